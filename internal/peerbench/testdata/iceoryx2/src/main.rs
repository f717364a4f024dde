//! One of two processes that exchange messages by iceoryx2's publish and subscribe, in
//! place. Arguments: "trip" or "way", "spin" or "park", the size of a message, a name that
//! both have and no other program, and "asks" or "answers". Each line of standard input is
//! a number of messages, there and back or in one direction; after the last of them the
//! answer is "done".
//!
//! An end that spins polls its subscriber. One that parks waits for an event, which the
//! other raises after each message. A byte of every cache line of a message is written before it is sent, and
//! checked when it has come, as package bench does.

use core::mem::MaybeUninit;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use std::io::{self, BufRead};

type Result<T> = core::result::Result<T, Box<dyn core::error::Error>>;

const LINE: usize = 64;

fn stamp(seq: u32, i: usize) -> u8 {
    seq.wrapping_add((i / LINE + i) as u32) as u8
}

fn fill(p: &mut [MaybeUninit<u8>], seq: u32) {
    let last = p.len() - 1;
    for i in (0..p.len()).step_by(LINE) {
        p[i].write(stamp(seq, i));
    }
    p[last].write(stamp(seq, last));
}

fn check(p: &[u8], seq: u32) -> Result<()> {
    let last = p.len() - 1;
    for i in (0..p.len()).step_by(LINE) {
        if p[i] != stamp(seq, i) {
            return Err(format!("message {seq} is wrong at byte {i}").into());
        }
    }
    if p[last] != stamp(seq, last) {
        return Err(format!("message {seq} is wrong at its end").into());
    }
    Ok(())
}

/// One process's end.
struct End {
    size: usize,
    spins: bool,
    out: Publisher<ipc::Service, [u8], ()>,
    input: Subscriber<ipc::Service, [u8], ()>,
    bell: Notifier<ipc::Service>,
    wake: Listener<ipc::Service>,
    _node: Node<ipc::Service>,
}

impl End {
    fn open(args: &[String], answers: bool) -> Result<End> {
        let size: usize = args[2].parse()?;
        // As many messages as our ring has room for, within what iceoryx2 sets up in time.
        let buffer = if size > 64 << 10 { 8 } else { 64 };
        let node = NodeBuilder::new().create::<ipc::Service>()?;
        let name = |way: &str| -> Result<ServiceName> { Ok(format!("{}/{way}", args[3]).as_str().try_into()?) };
        let (to, from) = if answers { ("back", "there") } else { ("there", "back") };
        let messages = |way: &str| -> Result<_> {
            Ok(node
                .service_builder(&name(way)?)
                .publish_subscribe::<[u8]>()
                .enable_safe_overflow(false)
                .subscriber_max_buffer_size(buffer)
                .max_publishers(1)
                .max_subscribers(1)
                .open_or_create()?)
        };
        let events = |way: &str| -> Result<_> { Ok(node.service_builder(&name(way)?).event().open_or_create()?) };
        let out = messages(to)?.publisher_builder().initial_max_slice_len(size).max_loaned_samples(1).create()?;
        let input = messages(from)?.subscriber_builder().buffer_size(buffer).create()?;
        let bell = events(to)?.notifier_builder().create()?;
        let wake = events(from)?.listener_builder().create()?;
        Ok(End { size, spins: args[1] == "spin", out, input, bell, wake, _node: node })
    }

    fn put(&self, seq: u32) -> Result<()> {
        // A message that reached no subscriber is sent again.
        loop {
            let mut sample = self.out.loan_slice_uninit(self.size)?;
            fill(sample.payload_mut(), seq);
            if unsafe { sample.assume_init() }.send()? == 1 {
                break;
            }
        }
        if !self.spins {
            self.bell.notify()?;
        }
        Ok(())
    }

    fn take(&self, seq: u32) -> Result<()> {
        loop {
            if let Some(sample) = self.input.receive()? {
                if sample.payload().len() != self.size {
                    return Err("a message of another size".into());
                }
                return check(sample.payload(), seq);
            }
            if !self.spins {
                self.wake.blocking_wait(|_| {})?;
            }
        }
    }
}

fn serve(end: &End, answers: bool, one_way: bool, n: u64, seq: &mut u32) -> Result<()> {
    for _ in 0..n {
        *seq = seq.wrapping_add(1);
        match (answers, one_way) {
            (false, _) => end.put(*seq)?,
            (true, _) => end.take(*seq)?,
        }
        match (answers, one_way) {
            (_, true) => {}
            (false, _) => end.take(!*seq)?,
            (true, _) => end.put(!*seq)?,
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let answers = args[4] == "answers";
    let end = End::open(&args, answers)?;
    println!("ready");
    let mut seq: u32 = 0;
    for line in io::stdin().lock().lines() {
        serve(&end, answers, args[0] == "way", line?.parse()?, &mut seq)?;
        println!("done");
    }
    Ok(())
}

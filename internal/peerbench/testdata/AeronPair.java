// One of two processes that exchange messages by Aeron's IPC. Arguments: "trip" or "way",
// "spin" or "park", the size of a message, the media driver's directory, which both have
// and no other program, and "asks" or "answers". Each line of standard input is a number of
// messages, there and back or in one direction; after the last of them the answer is
// "done".
//
// The process that asks has the media driver in it. A byte of every cache line of a message
// is written before it is sent, and checked when it has come, as package bench does. Small
// messages are written and read in place; what is larger than a fragment is assembled by
// Aeron.
import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.FragmentAssembler;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.FragmentHandler;
import io.aeron.logbuffer.Header;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;

public final class AeronPair {
    static final int LINE = 64;
    static final int THERE = 1001;
    static final int BACK = 1002;

    final int size;
    final boolean oneWay;
    final IdleStrategy idle;
    final ExclusivePublication out;
    final Subscription in;
    final BufferClaim claim = new BufferClaim();
    final UnsafeBuffer large;
    final FragmentHandler handler;
    int expected;
    boolean taken;

    AeronPair(Aeron aeron, String[] args, boolean answers) {
        oneWay = args[0].equals("way");
        idle = args[1].equals("spin") ? new BusySpinIdleStrategy() : new BackoffIdleStrategy();
        size = Integer.parseInt(args[2]);
        // The most that a publication holds is half a term; a message is at most an eighth.
        String channel = "aeron:ipc?mtu=65504|term-length=" + (size > 64 << 10 ? "16m" : "1m");
        out = aeron.addExclusivePublication(channel, answers ? BACK : THERE);
        in = aeron.addSubscription(channel, answers ? THERE : BACK);
        large = new UnsafeBuffer(BufferUtil.allocateDirectAligned(size, LINE));
        FragmentHandler direct = this::onMessage;
        handler = size <= out.maxPayloadLength() ? direct : new FragmentAssembler(direct);
        while (!out.isConnected() || !in.isConnected()) {
            Thread.yield();
        }
    }

    void fill(MutableDirectBuffer b, int at, int seq) {
        for (int i = 0; i < size; i += LINE) {
            b.putByte(at + i, (byte) (seq + i / LINE + i));
        }
        int last = size - 1;
        b.putByte(at + last, (byte) (seq + last / LINE + last));
    }

    void check(DirectBuffer b, int at, int seq) {
        for (int i = 0; i < size; i += LINE) {
            if (b.getByte(at + i) != (byte) (seq + i / LINE + i)) {
                throw new IllegalStateException("message " + seq + " is wrong at byte " + i);
            }
        }
        int last = size - 1;
        if (b.getByte(at + last) != (byte) (seq + last / LINE + last)) {
            throw new IllegalStateException("message " + seq + " is wrong at its end");
        }
    }

    void put(int seq) {
        long result;
        if (size <= out.maxPayloadLength()) {
            while ((result = out.tryClaim(size, claim)) < 0) {
                full(result);
            }
            fill(claim.buffer(), claim.offset(), seq);
            claim.commit();
        } else {
            fill(large, 0, seq);
            while ((result = out.offer(large, 0, size)) < 0) {
                full(result);
            }
        }
        idle.reset();
    }

    void full(long result) {
        if (result != Publication.BACK_PRESSURED && result != Publication.ADMIN_ACTION) {
            throw new IllegalStateException("can't send: " + result);
        }
        idle.idle();
    }

    void onMessage(DirectBuffer b, int at, int length, Header header) {
        if (length != size) {
            throw new IllegalStateException("a message of " + length + " bytes");
        }
        check(b, at, expected);
        taken = true;
    }

    void take(int seq) {
        expected = seq;
        taken = false;
        while (!taken) {
            if (in.poll(handler, 1) == 0) {
                idle.idle();
            }
        }
        idle.reset();
    }

    // In one direction, as many as there are come from one poll.
    int received;

    void onOneOfMany(DirectBuffer b, int at, int length, Header header) {
        expected++;
        onMessage(b, at, length, header);
        received++;
    }

    void takeMany(long n) {
        FragmentHandler many = this::onOneOfMany;
        FragmentHandler h = size <= out.maxPayloadLength() ? many : new FragmentAssembler(many);
        for (received = 0; received < n; ) {
            if (in.poll(h, 256) == 0) {
                idle.idle();
            } else {
                idle.reset();
            }
        }
    }

    int seq;

    void serve(long n, boolean answers) {
        if (answers && oneWay) {
            takeMany(n);
            return;
        }
        for (long i = 0; i < n; i++) {
            seq++;
            if (answers) {
                take(seq);
                put(~seq);
                continue;
            }
            put(seq);
            if (!oneWay) {
                take(~seq);
            }
        }
    }

    static void serve(String[] args, boolean answers) throws Exception {
        try (Aeron aeron = Aeron.connect(new Aeron.Context().aeronDirectoryName(args[3]))) {
            AeronPair pair = new AeronPair(aeron, args, answers);
            System.out.println("ready");
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
            for (String line; (line = lines.readLine()) != null; ) {
                pair.serve(Long.parseLong(line), answers);
                System.out.println("done");
            }
        }
    }

    public static void main(String[] args) throws Exception {
        if (args[4].equals("answers")) {
            serve(args, true);
            return;
        }
        MediaDriver driver = MediaDriver.launchEmbedded(new MediaDriver.Context()
            .aeronDirectoryName(args[3])
            .threadingMode(ThreadingMode.SHARED)
            .dirDeleteOnShutdown(true));
        try {
            serve(args, false);
        } finally {
            driver.close();
        }
    }
}

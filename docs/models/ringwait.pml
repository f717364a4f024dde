/* package ring, waiting: a sender and a receiver, a ring with room for one message. Each
 * publishes by plain stores (the sender the record's word, the receiver its cursor), and
 * looks at the other's gate after that, without a fence between. A waiter announces itself
 * at its gate, has the other process perform a fence (membarrier), looks, and parks while
 * the gate is unmoved. Stores go through a buffer, which the process's own loads overtake.
 *
 *	spin -search ringwait.pml                  finds nothing
 *	spin -search -DCLOSE ringwait.pml          the sender's process closes the ring
 *	                                           at any step: finds nothing
 *	spin -search -DNO_MEMBARRIER ringwait.pml  finds a waiter that sleeps for ever
 */
#define LAST 3 /* messages that are sent */
#define SENDER 0
#define RECEIVER 1

byte word[2];     /* as the other side sees it: the last message; the last one given back */
byte buffered[2]; /* in the buffer; 0: nothing is */
bool parked[2];   /* the bit of the gate where that side waits */
byte answers[2];  /* its count */
bool asleep[2];
bool ended;       /* the sender's process can't change the shared memory any more */

/* The buffers go to memory at any time. */
proctype drain(byte side)
{
end:
	do
	:: atomic { buffered[side] != 0 -> word[side] = buffered[side]; buffered[side] = 0 }
	od
}

/* wake: to change the gate is an operation that fences. */
inline wake(me, other)
{
	atomic { buffered[me] == 0 -> parked[other] = false; answers[other]++ };
	asleep[other] = false
}

inline publish(me, other, value)
{
#ifdef LOOK_FIRST
	up = parked[other];
#endif
	atomic { buffered[me] == 0 -> buffered[me] = value };
#ifndef LOOK_FIRST
	up = parked[other];
#endif
	if
	:: up -> wake(me, other)
	:: else -> skip
	fi
}

/* await: until the other side's word is at least a value. */
inline await(me, other, value)
{
	do
	:: word[other] >= value || (me == RECEIVER && ended && word[SENDER] < value) -> break
	:: else ->
#ifdef LATE_ANNOUNCE
		seen = word[other];
		atomic { parked[me] = true; old = answers[me] };
#else
		atomic { parked[me] = true; old = answers[me] };
#ifndef NO_MEMBARRIER
		buffered[other] == 0;
#endif
		seen = word[other];
#endif
		if
		:: seen < value && !(me == RECEIVER && ended) ->
			/* The kernel compares the gate and sleeps in one step. */
			atomic {
				if
				:: parked[me] && answers[me] == old -> asleep[me] = true
				:: else -> skip
				fi
			};
#ifdef CLOSE
			/* a waiter looks again by itself if the other process has ended */
			!asleep[me] || (ended && word[SENDER] < value)
#else
			!asleep[me]
#endif
		:: else -> skip
		fi
	od
}

proctype sender()
{
	byte n = 1, old, seen;
	bool up;
	do
	:: n <= LAST ->
		await(SENDER, RECEIVER, n - 1);
#ifdef CLOSE
		if
		:: skip
		:: /* The memory is replaced between the store and the look at the gate: that finds
		    * zeros. The kernel's work fences. */
			atomic { buffered[SENDER] == 0 -> buffered[SENDER] = n };
			buffered[SENDER] == 0;
			goto closed
		:: goto closed
		fi;
#endif
		publish(SENDER, RECEIVER, n);
		n++
	:: else -> break
	od;
	goto over;
closed:
#ifndef NO_LATE_WAKE
	if
	:: parked[RECEIVER] -> wake(SENDER, RECEIVER)
	:: else -> skip
	fi;
#endif
over:
	ended = true
}

proctype receiver()
{
	byte n = 1, old, seen;
	bool up;
	do
	:: n <= LAST ->
		await(RECEIVER, SENDER, n);
		if
		:: word[SENDER] < n -> break /* it has closed */
		:: else -> skip
		fi;
		publish(RECEIVER, SENDER, n);
		n++
	:: else -> break
	od
}

init {
	atomic {
		run drain(SENDER);
		run drain(RECEIVER);
		run sender();
		run receiver()
	}
}

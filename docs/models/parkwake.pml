/*
 * Parking and waking by a Gate, as internal/wait does it.
 *
 * Three processes: A with two goroutines that wait, of which the first sleeps
 * in the kernel and promotes the other when it leaves; B with one; C posts two
 * permits, one by one or both at once, and wakes. C stores what it posts through
 * a store buffer, as processors do; Spin alone would be sequentially consistent.
 *
 * No goroutine may sleep for ever while a permit is there. A sleeping one looks
 * again after 100 ms, but that must not be needed unless a process was killed: so
 * here it happens only then. One that sleeps at the end and has nothing to find
 * gives up.
 *
 * KILL: one process is killed, between any two steps. CANCEL: the context of one
 * goroutine is done at any moment. Runs without a kill are those without KILL, and
 * runs without a cancel those without CANCEL. KILL and CANCEL together hold too,
 * but take half a minute, 2 GB and 17 million states, and are not in the list.
 */

#define PARKED 1
#define ANSWER 2
#define NONE   255

byte gate, posted, taken; /* shared memory */

byte value;   /* C's store buffer: what posted will be, */
bool pending; /* if there is anything in it */

bool asleep[3], spent[3];    /* the kernel: sleeps on the gate; a wake-up ended that */
bool queued[3];              /* A's queue behind its first waiter */
byte first = NONE;
bool cancelled[3];
bool unparked[3];            /* what the end of a context leaves for the next park */
bool dead[3], killed;        /* by process */

#define there (posted > taken)
#define quiet (timeout && !pending)

#ifdef NO_FENCE
#define fence skip
#else
#define fence !pending
#endif

#ifdef NO_RECHECK
#define recheck false
#else
#define recheck (quiet && killed && there)
#endif

inline announce() { atomic { gate = gate | PARKED; old = gate } }

/* An atomic read-modify-write of something else. */
inline look() {
	atomic {
		if
		:: there -> taken++; ok = true
		:: else -> ok = false
		fi
	}
}

proctype Waiter(byte me, process) {
	byte old;
	bool ok;
	{
		atomic {
			if
			:: me == 0 -> run Waiter(1, 0) /* that comes later: the two are alike */
			:: else
			fi;
			if
			:: process == 0 && first != NONE -> queued[me] = true
			:: process == 0 && first == NONE -> first = me
			:: else
			fi
		}
		atomic {
			if
			:: process != 0 || first == me
			:: cancelled[me] -> goto leave
			:: quiet && !there -> goto end
			fi
		}
again:
#ifdef LOOK_FIRST
		look();
		announce();
#else
		announce();
		look();
#endif
		atomic {
			if
			:: ok -> ok = false; goto leave
#ifndef PARK_CANCELLED
			:: !ok && cancelled[me] -> goto leave
#endif
			:: else
			fi;
			skip; /* no jump may lead into a d_step */
			d_step { /* futex: compare and sleep */
				spent[me] = false;
				if
				:: gate == old && !unparked[me] -> asleep[me] = true
				:: else
				fi;
				old = 0
			}
		}
		atomic {
			if
			:: !asleep[me]
			:: asleep[me] && unparked[me] -> asleep[me] = false
			:: asleep[me] && recheck -> asleep[me] = false
			:: asleep[me] && quiet && !there && !cancelled[me] -> goto end
			fi;
			unparked[me] = false; /* used up, whatever has ended the park */
			if
#ifdef CANCEL_BEFORE_LOOK
			:: cancelled[me] -> goto leave
#else
			:: cancelled[me] && !spent[me] -> goto leave
#endif
			:: else -> goto again
			fi
		}
leave:
		atomic {
			if
			:: process == 0 && first == me ->
				first = NONE;
#ifndef NO_PROMOTE
				if
				:: queued[1 - me] -> first = 1 - me; queued[1 - me] = false
				:: else
				fi
#endif
			:: else -> queued[me] = false
			fi
		}
end:
		skip
	} unless { dead[process] };
	/* What ends alike is to be the same state. */
	d_step { asleep[me] = false; spent[me] = false; unparked[me] = false; queued[me] = false; old = 0; ok = false }
}

/* The kernel wakes in any order, and counts a woken goroutine, dead or not. */
inline futex_wake(n) {
	atomic {
		reached = 0;
		do
		:: reached < n && asleep[0] -> d_step { asleep[0] = false; spent[0] = true; reached++ }
		:: reached < n && asleep[1] -> d_step { asleep[1] = false; spent[1] = true; reached++ }
		:: reached < n && asleep[2] -> d_step { asleep[2] = false; spent[2] = true; reached++ }
		:: reached == n || !(asleep[0] || asleep[1] || asleep[2]) -> break
		od
	}
}

inline post(n) {
	atomic { !pending -> value = value + n; pending = true }
	atomic {
		fence;
		if
		:: !(gate & PARKED) -> word = 0
		:: else -> word = PARKED
		fi
	}
	if
	:: !(word & PARKED)
	:: else ->
		/* A read-modify-write waits for the store buffer. */
		atomic { !pending -> gate = gate + ANSWER; word = gate }
		if
		:: !(word & PARKED)
		:: else ->
			futex_wake(n);
			if
			:: reached >= n
			:: else ->
				atomic {
					!pending;
					ok = (gate == word);
					if
#ifdef NO_MOVE
					:: ok -> gate = word - ANSWER - PARKED /* as if it had never moved */
#else
					:: ok -> gate = word + ANSWER - PARKED
#endif
					:: else
					fi
				}
#ifndef NO_SECOND_WAKE
				if
				:: ok -> futex_wake(3)
				:: else
				fi
#endif
			fi
		fi
	fi
}

proctype Waker() {
	byte word, reached;
	bool ok;
	{
		if
		:: post(2)
		:: post(1); post(1)
		fi
	} unless { dead[2] };
	d_step { word = 0; reached = 0; ok = false }
}

proctype StoreBuffer() {
end:
	do
	:: atomic { pending -> posted = value; pending = false }
	od
}

proctype Killer() {
	if
	:: atomic { dead[0] = true; killed = true }
	:: atomic { dead[1] = true; killed = true }
	:: atomic { dead[2] = true; killed = true }
	fi
}

proctype Canceller() {
	if
	:: cancelled[0] = true -> unparked[0] = true
	:: cancelled[1] = true -> unparked[1] = true
	:: cancelled[2] = true -> unparked[2] = true
	fi
}

init {
	atomic {
		run Waiter(0, 0);
		run Waiter(2, 1);
		run Waker();
		run StoreBuffer();
#ifdef KILL
		run Killer();
#endif
#ifdef CANCEL
		run Canceller();
#endif
	}
}

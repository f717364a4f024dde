/* The turn of one side of a shmnet connection: a lock that calls give back by a plain
 * store, still in a buffer when they look whether another call waits, and whether the
 * connection was closed. A waiter counts itself, has the buffers emptied (membarrier), and
 * tries again. Close does the same before it tries to give the memory back, which otherwise
 * the last call does.
 *
 * No call may sleep for ever (an invalid end state), none may touch memory that was given
 * back, and after Close and all calls it must be given back. Call 2 is a Commit or Discard,
 * which doesn't leave before it has had its turn. With HELD the first call lasts until the
 * others that can have left.
 */
#define CALLS 3
#define CLOSER CALLS
#define STAYS 2 /* this one doesn't leave */
#define HOLDS 0 /* this one lasts with HELD */
#ifdef CLOSE
#define EACH 1 /* how many calls each goroutine makes */
#else
#define EACH 2
#endif

bool taken;
bool buffered[CALLS + 1]; /* that the lock is free is in the buffer of this one's processor */
byte waiting;
bool freed, over; /* one element each, or none */
bool closed, vacated;
byte finished, departed;

proctype drain(byte me)
{
end:
	do
	:: atomic { buffered[me] -> taken = false; buffered[me] = false }
	od
}

/* Each buffer is emptied at some moment. */
inline fence()
{
	!buffered[0];
	!buffered[1];
	!buffered[2];
	!buffered[CLOSER]
}

/* try: an operation that fences. */
inline try(me)
{
	atomic { !buffered[me] -> got = !taken; taken = true }
}

inline give(me)
{
	atomic { !buffered[me] -> buffered[me] = true };
	if
	:: waiting > 0 -> freed = true
	:: else -> skip
	fi
}

inline vacate(me)
{
	try(me);
	if
	:: got -> vacated = true; give(me)
	:: else -> skip
	fi
}

/* take: waits for the lock, or has gone set. */
inline take(me)
{
#ifdef LATE_COUNT
	fence();
	try(me);
#endif
	atomic { !buffered[me] -> waiting++ };
	do
	:: true ->
#ifndef LATE_COUNT
#ifndef NO_MEMBARRIER
		fence();
#endif
		try(me);
#endif
		if
		:: got -> break
		:: else -> skip
		fi;
		if
		:: closed && me != STAYS ->
			freed = true;
			over = true;
			gone = true;
			break
		:: else -> skip
		fi;
		if
		:: atomic { freed -> freed = false }
#ifdef STAYS_LISTENS
		:: atomic { over -> over = false }
#else
		:: atomic { me != STAYS && over -> over = false }
#endif
		fi
#ifdef LATE_COUNT
		;
		try(me)
#endif
	od;
	atomic { !buffered[me] -> waiting-- }
}

proctype call(byte me)
{
	bool got, gone, seen;
	byte n;
#ifdef HELD
	got = me == HOLDS;
#endif
	do
	:: n < EACH && !gone ->
		n++;
		if
		:: n == 1 && got -> skip
		:: else -> try(me)
		fi;
		if
		:: got -> skip
		:: else -> take(me)
		fi;
		if
		:: gone -> break
		:: else -> skip
		fi;
		seen = closed;
		if
		:: seen -> skip
		:: else -> assert(!vacated)
		fi;
#ifdef HELD
		if
		:: me == HOLDS -> departed == 1
		:: else -> skip
		fi;
#endif
		give(me);
		seen = closed;
		if
		:: seen ->
			vacate(me);
			break
		:: else -> skip
		fi
	:: else -> break
	od;
	if
	:: me == 1 -> departed++
	:: else -> skip
	fi;
	finished++
}

#ifdef CLOSE
proctype closer()
{
	bool got;
	closed = true;
#ifndef NO_CLOSE_FENCE
	fence();
#endif
	if
	:: waiting > 0 -> over = true
	:: else -> skip
	fi;
	vacate(CLOSER);
	finished == CALLS;
	assert(vacated)
}
#endif

init {
	atomic {
#ifdef HELD
		taken = true;
#endif
		run drain(0); run drain(1); run drain(2); run drain(CLOSER);
		run call(0); run call(1); run call(2);
#ifdef CLOSE
		run closer()
#endif
	}
}

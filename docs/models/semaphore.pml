/*
 * The semaphore in glibc's layout, ipcsync.Semaphore on Linux.
 *
 * Permits and waiters are halves of one 64-bit word, which is changed by compare
 * and swap or addition as a whole. Waiters sleep on the half with the permits,
 * while that is 0. There is no gate as in parkwake.pml: a waiter counts itself
 * there, and a release sees the count with its own change.
 *
 * Three processes want a permit each; a fourth releases two, at once or one after
 * the other. No permit may appear or vanish, and no process may sleep for ever
 * while there is one.
 *
 * KILL: two processes are killed, with CANCEL one, each between any two steps. A
 * wake-up may die with the process that it woke. Therefore a sleeping process looks
 * again after 100 ms: here only after a kill, and at any moment at which it finds a
 * permit.
 *
 * CLOSE: the process that releases closes the semaphore, at any moment. What a release
 * does from then on it does to private memory: it is lost, a wake-up too. That is no
 * accident, after which waiters look again: C's never do. Close itself looks once more,
 * at the semaphore's own word, and wakes as many as there are permits.
 *
 * CANCEL: one process stops waiting. Either its context is done: if a wake-up was
 * spent on it, it looks first. Or another wait of the same WaitAny was faster:
 * then it takes nothing and passes on the wake-up that was spent on it.
 */

#define PROCESSES 3 /* that take; number 3 releases */

/* Shared memory, one word. */
byte permits;
byte waiters;

/* The kernel's. Sets of processes are a bit each. */
byte asleep;
byte spent; /* a wake-up was spent on it */
#define IN(set, p)   (set >> (p) & 1)
#define ADD(set, p)  set = set | 1 << (p)
#define DROP(set, p) set = set & (7 - (1 << (p)))

byte cancelled; /* its context is done */
byte beaten;    /* another wait of the same WaitAny was faster */
bool dead[PROCESSES + 1];
bool accident;  /* there was a kill */

/* What is checked. */
byte given, taken;

#ifdef NO_RECHECK
#define recheck false
#else
#define recheck (accident && permits)
#endif

inline futex_wake(n) {
	atomic {
		woken = 0;
		do
		:: woken < n && IN(asleep, 0) -> DROP(asleep, 0); ADD(spent, 0); woken++
		:: woken < n && IN(asleep, 1) -> DROP(asleep, 1); ADD(spent, 1); woken++
		:: woken < n && IN(asleep, 2) -> DROP(asleep, 2); ADD(spent, 2); woken++
		:: woken == n || !asleep -> break
		od;
		woken = 0
	}
}

#define conserved assert(permits + taken == given)

proctype Acquirer(byte me) {
	bool announced;
	byte woken;
	{
		skip; /* no block may begin with a label */
look:		atomic {
			if
			:: IN(beaten, me) -> goto pass_on
			:: !IN(beaten, me) && permits ->
				permits--;
				waiters = waiters - announced; /* by the same compare and swap */
				taken++;
				conserved;
				goto out
			:: !IN(beaten, me) && !permits && !announced && IN(cancelled, me) -> goto out
			:: else
			fi
		}
		atomic {
			if
			:: !announced -> waiters++; announced = true; goto look
			:: else
			fi;
			/* The kernel compares and puts to sleep. */
			DROP(spent, me);
			if
#ifdef NO_COMPARE
			:: true -> ADD(asleep, me)
#else
			:: !permits -> ADD(asleep, me)
			:: else
#endif
			fi
		}
		atomic {
			if
			:: !IN(asleep, me)
			:: IN(asleep, me) && (IN(cancelled, me) || IN(beaten, me)) -> DROP(asleep, me) /* the bell */
			:: IN(asleep, me) && recheck -> DROP(asleep, me)
			:: IN(asleep, me) && timeout && !permits -> goto out
			fi;
			if
#ifdef CANCEL_BEFORE_LOOK
			:: IN(cancelled, me) -> goto leave
#else
			:: IN(cancelled, me) && !IN(spent, me) -> goto leave
#endif
			:: else -> goto look
			fi
		}
pass_on:	if
#ifndef NO_PASSING
		:: IN(spent, me) -> futex_wake(1)
#endif
		:: else
		fi;
leave:		waiters = waiters - announced;
out:		skip
	} unless { dead[me] };
	d_step { announced = false; woken = 0 } /* what ends alike is to be the same state */
}

inline release(n) {
	do
	:: atomic { p = permits; w = waiters };
		atomic {
			if
#if defined(NO_CAS)
			:: true -> w = waiters
#elif defined(HALF_CAS)
			:: permits == p
#else
			:: permits == p && waiters == w
#endif
				-> permits = p + n;
				p = 0;
				given = given + n;
				conserved;
				break
			:: else
			fi
		}
	od;
	if
	:: w -> w = 0; futex_wake(n)
	:: else
	fi
}

proctype Releaser() {
	byte p, w, woken;
	{
		if
		:: release(2)
		:: release(1); release(1)
		fi
	} unless { dead[PROCESSES] };
	d_step { p = 0; w = 0; woken = 0 }
}

inline kill(p) {
	dead[p] = true;
	accident = true;
	left--
}

/* Processes that are alike needn't all be killed in turn: with other numbers it is
 * the same. So the first to die is 0 and the second 1, or with CANCEL, where 0 is
 * unlike the others, one of both. What happens without a kill is checked without
 * KILL. */
#ifdef CANCEL
#define KILLS 1
#define MAY_DIE(p) true
#else
#define KILLS 2
#define MAY_DIE(p) (!dead[p] && (p == 0 || dead[0]))
#endif
proctype Killer() {
	byte left = KILLS;
	do
	:: atomic { left && MAY_DIE(0) -> kill(0); DROP(asleep, 0); DROP(spent, 0) }
	:: atomic { left && MAY_DIE(1) -> kill(1); DROP(asleep, 1); DROP(spent, 1) }
	:: atomic { left && !dead[3] -> kill(3) }
	:: left < KILLS -> left = 0; break /* or else a kill could always end a wait */
	od
}

proctype Canceller() {
	if
	:: ADD(cancelled, 0)
	:: ADD(beaten, 0)
	fi
}

#ifdef CLOSE
proctype Closer() {
	byte p, w, woken;
	dead[PROCESSES] = true; /* the memory is replaced */
#ifndef NO_LOOK
	atomic { p = permits; w = waiters };
	if
	:: p && w -> futex_wake(p)
	:: else
	fi;
#endif
	d_step { p = 0; w = 0 }
}
#endif

init {
	atomic {
		run Acquirer(0);
		run Acquirer(1);
		run Acquirer(2);
		run Releaser();
#ifdef KILL
		run Killer();
#endif
#ifdef CANCEL
		run Canceller();
#endif
#ifdef CLOSE
		run Closer();
#endif
	}
}

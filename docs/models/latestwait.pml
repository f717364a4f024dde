/* shm.Latest.Wait: a writer publishes versions by plain stores and looks at the gate
 * after each, without a fence between; a waiter announces itself at the gate, has the
 * writer perform a fence (membarrier), looks, and sleeps while the gate is unmoved. The
 * writer's stores go through a buffer, which its own loads of other words overtake.
 *
 *	spin -search latestwait.pml                  finds nothing
 *	spin -search -DNO_MEMBARRIER latestwait.pml  finds a waiter that sleeps for ever
 */
#define LAST 2 /* versions that are stored */

byte published; /* as the waiter sees it */
byte buffered;  /* in the writer's buffer; 0: nothing is */
bool parked;    /* the gate's bit */
byte answers;   /* the gate's count */
bool asleep;
bool finished;

/* The buffer goes to memory at any time. */
proctype drain()
{
end:
	do
	:: atomic { buffered != 0 -> published = buffered; buffered = 0 }
	od
}

proctype writer()
{
	byte next = 1;
	bool up;
	do
	:: next <= LAST ->
		/* Stores to one word keep their order. */
		atomic { buffered == 0 -> buffered = next };
		up = parked;
		if
		:: up ->
			/* To change the gate is an operation that fences. */
			atomic { buffered == 0 -> parked = false; answers++ };
			asleep = false
		:: else -> skip
		fi;
		next++
	:: else -> break
	od
}

inline look()
{
	atomic {
		version = published
	}
}

proctype waiter()
{
	byte version, old;
	do
	:: version < LAST ->
#ifdef LATE_ANNOUNCE
		look();
		atomic { parked = true; old = answers };
#else
		atomic { parked = true; old = answers };
#ifndef NO_MEMBARRIER
		buffered == 0;
#endif
		look();
#endif
		if
		:: version < LAST ->
			/* The kernel compares the gate and sleeps in one step. */
			atomic {
				if
				:: parked && answers == old -> asleep = true
				:: else -> skip
				fi
			};
			!asleep
		:: else -> skip
		fi
	:: else -> break
	od;
	finished = true
}

init {
	atomic {
		run drain();
		run writer();
		run waiter()
	}
}

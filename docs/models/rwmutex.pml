/*
 * The crash-safe lock for many readers or one writer, ipcsync.RWMutex.
 *
 * The word is that of mutex.pml, with the writer for its holder and a bit more:
 *
 *	pending  the writer has the word, and waits for the readers to leave
 *
 * Each slot has a word of its own: its generation, and how many readers its
 * process has. A reader looks at the word, adds itself to its slot, then looks
 * again: if there is a writer it takes itself off, wakes the pending one, and waits.
 * A writer takes the word, pending, then looks at each slot that was ever used, until
 * that has no readers or its process is dead, then clears pending. So a reader and a
 * writer can't miss each other, and a pending writer keeps new readers out.
 *
 * A process that joins begins a generation in its slot, says that the slot is used,
 * takes off what the dead one there has counted, and marks the dead one's word as
 * dead: a step each.
 *
 * A writer that dies pending, or gives up, leaves the word as it found it: free. A
 * later death sets recovered: with the next writer's taking, or by a reader, which
 * sets the word free and then reads. A reader is told as a writer is.
 *
 * There are three gates: for readers, for writers, and for the pending writer.
 *
 * The turn: a reader that waits wants it, and a writer that unlocks gives it. Then
 * no writer takes the free word until a reader ends the turn, by unlocking or by
 * giving up, and wakes a writer. A writer that looks again opens it too, and so may
 * one that is cancelled, which then takes the word if that is free.
 *
 * Three processes come, once each, to read or to write. KILL (of one), JOIN and the
 * looks after 100 ms are those of mutex.pml. With KILL but not JOIN two write and
 * one reads. JOIN without KILL: the third process takes a slot that was never used.
 * CLOSE is JOIN and the Close of mutex.pml, and the second process writes. CANCEL:
 * the context of one process is done at any moment. A wake-up that was spent on it
 * makes it look once more, and it leaves if there is nothing.
 *
 * A process that is closed while it waits passes on what others wait for, as one
 * does that is cancelled. So that is no accident, and none may look again for it.
 *
 * Checked are exclusion: one writer or only readers; recovered until marked, for
 * both; and progress, as in mutex.pml.
 */

/* The word. */
#define NONE 0
#define DEAD   7
#define WORD(count, pending, recovered, generation, slot) \
	((count) << 8 | (pending) << 7 | (recovered) << 6 | (generation) << 3 | (slot))
#define COUNT(w)      ((w) >> 8)
#define PENDING(w)    ((w) >> 7 & 1)
#define RECOVERED(w)  ((w) >> 6 & 1)
#define GENERATION(w) ((w) >> 3 & 7)
#define SLOT(w)       ((w) & 7)
#define MARKED(w)     WORD(COUNT(w), PENDING(w), 0, GENERATION(w), SLOT(w))
#define GIVEN(w)      WORD(COUNT(w), 0, KEPT(w), 0, NONE)

/* The bit after the word was unlocked; given up by a pending writer; taken from none. */
#ifdef UNLOCK_CLEARS
#define KEPT(w) 0
#else
#define KEPT(w) RECOVERED(w)
#endif
#ifdef GIVE_UP_CLEARS
#define LEFT(w) 0
#else
#define LEFT(w) RECOVERED(w)
#endif
#ifdef TAKE_CLEARS
#define FOUND(w) 0
#else
#define FOUND(w) RECOVERED(w)
#endif

/* It is set after a death, if the writer wasn't pending. */
#ifdef PENDING_SETS
#define AFTER_DEATH(w) 1
#else
#define AFTER_DEATH(w) (!PENDING(w) | RECOVERED(w))
#endif
#ifdef READER_UNTOLD
#define TOLD(w) 0
#else
#define TOLD(w) RECOVERED(w)
#endif
#ifdef READER_FORGETS
#define FREED_BY_READER(w) RECOVERED(w)
#else
#define FREED_BY_READER(w) AFTER_DEATH(w)
#endif

/* The word of a slot, with how many readers it has. Slots are 1 to SLOTS. */
#define STATE(generation, readers) ((generation) << 2 | (readers))
#define OF(state)      ((state) >> 2)
#define READERS(state) ((state) & 3)

#define PROCESSES 3
#if defined(CLOSE) || (defined(KILL) && defined(JOIN))
#define SLOTS 2
#else
#define SLOTS 3
#endif
#if defined(JOIN) && !defined(KILL) && !defined(CLOSE)
#define USED true
#endif

/* The turn. */
#define OPEN   0
#define WANTED 1 /* by a reader that waits */
#define THEIRS 2 /* the readers' */

/* Shared memory. */
short word;
byte turn;
byte state[SLOTS + 1];
#ifdef USED
byte used = 2; /* slots */
#else
#define used SLOTS
#endif
byte parked; /* the bits of the gates, as a set */
#define FOR_READERS 0
#define FOR_WRITERS 1
#define FOR_PENDING 2

/* The kernel's. */
mtype = { free, held, dying } /* dying: a dead process's, not yet released */
mtype lock[SLOTS + 1] = free;

/* Sets of processes, a bit each. For each gate: */
byte asleep[3];
byte unmoved[3]; /* it may fall asleep: the gate is as it was when announced there */
byte looked[3];  /* nothing has changed since it looked */
byte waiting;    /* in a call that Close waits for */
byte closed;     /* has closed the lock */
byte cancelled;  /* its context is done */
#define IN(set, p)   (set >> (p) & 1)
#define ADD(set, p)  set = set | 1 << (p)
#define DROP(set, p) set = set & (7 - (1 << (p)))

byte attached; /* has a slot, */
byte has[PROCESSES]; /* this one */
bool dead[PROCESSES];
bool accident; /* there was a kill or a close */

/* What is checked. */
byte reading; /* living readers, as a set */
byte writing; /* the living writer's number + 1 */
bool tell;    /* if the writer dies now, or with none as it is, the next is to be told */

/* RLock looks at the word before it counts. */
#ifdef COUNT_FIRST
#define LOOK count
#else
#define LOOK look
#endif

/* Its wait is to end. */
#define ended(p) (IN(closed, p) || IN(cancelled, p))

#define anything looked[0] = 0; looked[1] = 0; looked[2] = 0
#define put(w) word = w; anything

/* The word is this process's from here on, which pends. */
#define take(recovered) \
	ticket = WORD(COUNT(w) + 1, 1, recovered, mine, has[me]); \
	put(ticket); \
	w = 0; \
	DROP(unmoved[gate], me); \
	DROP(looked[gate], me); \
	phase = fast; \
	gate = FOR_PENDING

/* What is protected is not this process's any more. */
#define give(w) \
	tell = RECOVERED(w); \
	put(GIVEN(w))

#ifdef NO_RECHECK
#define may_recheck false
#else
#define may_recheck (accident && !IN(looked[gate], me))
#endif

#define ONE 1
#define ALL 2
inline wake(g, n) {
	if
	:: !IN(parked, g)
	:: IN(parked, g) ->
		atomic {
			unmoved[g] = 0;
			if
			:: n == ALL || !asleep[g] -> DROP(parked, g); asleep[g] = 0
			:: n == ONE && IN(asleep[g], 0) -> DROP(asleep[g], 0)
			:: n == ONE && IN(asleep[g], 1) -> DROP(asleep[g], 1)
			:: n == ONE && IN(asleep[g], 2) -> DROP(asleep[g], 2)
			fi
		}
	fi
}

#if defined(KILL) && !defined(JOIN)
#define MAY_READ(p)  (p == 2)
#define MAY_WRITE(p) (p != 2)
#elif defined(CLOSE)
#define MAY_READ(p)  (p != 1)
#define MAY_WRITE(p) true
#else
#define MAY_READ(p)  true
#define MAY_WRITE(p) true
#endif

/* What a look is for. check is the one before the first sleep. */
mtype = { fast, check, park, recheck }

/* A process that has closed the lock may be late to count, when its slot is another's. */
#ifdef BLIND_COUNT
#define counting true
#else
#define counting (OF(state[has[me]]) == mine)
#endif

#ifdef NO_FENCE
byte buffered; /* processes with a count still in the buffer */
proctype StoreBuffer() {
end:	do
	:: atomic { IN(buffered, 0) -> DROP(buffered, 0); state[has[0]]++ }
	:: atomic { IN(buffered, 1) -> DROP(buffered, 1); state[has[1]]++ }
	:: atomic { IN(buffered, 2) -> DROP(buffered, 2); state[has[2]]++ }
	od
}
#define drained !IN(buffered, me)
#else
#define drained true
#endif

/* It takes no part any more. */
inline strip(p) {
	d_step {
		DROP(attached, p);
		DROP(waiting, p);
		DROP(reading, p);
		DROP(cancelled, p);
		DROP(asleep[0], p); DROP(asleep[1], p); DROP(asleep[2], p);
		DROP(unmoved[0], p); DROP(unmoved[1], p); DROP(unmoved[2], p);
		DROP(looked[0], p); DROP(looked[1], p); DROP(looked[2], p)
	}
}

proctype Process(byte me) {
	byte mine = 1; /* its generation */
	short w;       /* the word as last read */
	short ticket;  /* the word as a writer */
	bool reader;
	byte gate;
	mtype phase = fast;
	byte s, r, n;  /* pending: a slot, its word as last read, and how many were used */
	{
		if
		:: has[me] -> goto start
		:: else
		fi;
		/* Join. */
end_join:	atomic {
			if
			:: lock[1] == free -> has[me] = 1
			:: lock[1] != free && lock[2] == free -> has[me] = 2
#ifdef USED
			:: lock[1] != free && lock[2] != free && lock[3] == free -> has[me] = 3
#endif
			fi;
			lock[has[me]] = held;
			ADD(attached, me)
		}
		atomic {
			mine = OF(state[has[me]]) + 1;
			state[has[me]] = STATE(mine, READERS(state[has[me]]));
			anything
		}
#if defined(USED) && !defined(UNUSED)
		atomic {
			if
			:: used < has[me] -> used = has[me]
			:: else
			fi
		}
#endif
		atomic {
			if
			:: READERS(state[has[me]]) -> state[has[me]] = STATE(mine, 0); anything
			:: else -> goto joined
			fi
		}
		wake(FOR_PENDING, ONE);
joined:		atomic {
			w = word;
			if
			:: SLOT(w) == has[me] && GENERATION(w) != mine
			:: else -> goto start
			fi
		}
		atomic {
			if
			:: word == w -> put(WORD(COUNT(w), PENDING(w), RECOVERED(w), 0, DEAD))
			:: else -> goto joined
			fi
		}
		wake(FOR_READERS, ALL);
		wake(FOR_WRITERS, ONE);

start:		atomic {
			phase = fast;
			w = 0;
			if
#if !defined(KILL) && !defined(CLOSE) && !defined(USED)
			:: goto leave
#endif
			:: MAY_READ(me) -> reader = true; gate = FOR_READERS; goto LOOK
			:: MAY_WRITE(me) -> reader = false; gate = FOR_WRITERS; goto look_turn
			fi
		}

		/* RLock. */
count:		atomic {
			if
#ifdef NO_FENCE
			:: ADD(buffered, me)
#else
			:: counting -> state[has[me]]++
			:: else -> goto leave
#endif
			fi
		}
		atomic {
#ifdef LOOK_FIRST
			goto entered
#else
			w = word;
			if
			:: SLOT(w) == NONE -> goto entered
			:: else -> w = 0
			fi
#endif
		}
		atomic {
			drained;
			if
			:: counting && READERS(state[has[me]]) -> state[has[me]]--; looked[FOR_PENDING] = 0
			:: else -> assert(IN(closed, me))
			fi
		}
		wake(FOR_PENDING, ONE);
want:		atomic {
			if
			:: turn == OPEN -> turn = WANTED
			:: else
			fi;
			if
			:: phase == fast -> goto enter
			:: else -> goto sleep
			fi
		}

		/* Lock. */
look_turn:	atomic {
			if
			:: turn != THEIRS -> goto look
			:: turn == THEIRS && phase == fast -> goto enter
			:: else
			fi
		}
		atomic {
			if
			:: SLOT(word) != NONE -> goto look
			:: SLOT(word) == NONE && phase != recheck -> DROP(looked[gate], me); goto sleep
			:: else
			fi
		}
		atomic {
			if
			:: turn == THEIRS -> turn = OPEN; anything
			:: else
			fi
		}

		/* Both. */
look:		atomic {
			w = word;
			if
			:: SLOT(w) == NONE && reader -> w = 0; goto count
			:: SLOT(w) == NONE && !reader -> goto from_none
			:: SLOT(w) != NONE && phase == fast -> goto busy
			:: SLOT(w) == DEAD && phase != fast -> goto from_dead
			:: else
			fi
		}
		atomic {
			if
			:: OF(state[SLOT(w)]) != GENERATION(w) -> goto from_dead
			:: OF(state[SLOT(w)]) == GENERATION(w) && phase == park -> goto busy
			:: else
			fi
		}
		atomic {
			if
			:: lock[SLOT(w)] == free -> goto from_dead
			:: else
			fi
		}
busy:		atomic {
			w = 0;
			if
			:: reader -> goto want
			:: !reader && phase == fast -> goto enter
			:: !reader && phase != fast -> goto sleep
			fi
		}
from_dead:	atomic {
			if
			:: word == w && reader -> put(WORD(COUNT(w), 0, FREED_BY_READER(w), 0, NONE)); w = 0
			:: word == w && !reader -> take(AFTER_DEATH(w)); goto drain
			:: else -> w = 0; goto look
			fi
		}
		wake(FOR_READERS, ALL);
		wake(FOR_WRITERS, ONE);
		goto look;

from_none:	atomic {
			if
			:: word == w -> take(FOUND(w))
			:: word != w && phase == fast -> w = 0; goto enter
			:: word != w && phase != fast -> w = 0; goto look
			fi
		}
drain:		atomic { s = 1; n = used }
drain_slot:	atomic {
			r = state[s];
			if
			:: !READERS(r) && s < n -> r = 0; s++; goto drain_slot
			:: !READERS(r) && s == n -> r = 0; s = 0; n = 0; goto drained_all
			:: READERS(r) && phase == fast -> r = 0; s = 0; n = 0; goto enter
			:: READERS(r) && phase == park -> goto sleep
			:: READERS(r) && phase != fast && phase != park
			fi
		}
		atomic {
			if
			:: lock[s] != free -> goto sleep
			:: else
			fi
		}
#ifdef PROBE_FIRST
		r = state[s];
#endif
		atomic {
			if
			:: state[s] == r -> state[s] = STATE(OF(r), 0); goto drain_slot
			:: else -> goto sleep
			fi
		}
drained_all:	atomic {
			if
			:: word == ticket && !IN(closed, me) ->
				ticket = WORD(COUNT(ticket), 0, RECOVERED(ticket), mine, has[me]);
				put(ticket);
				assert(RECOVERED(ticket) == tell);
				tell = true
			:: else -> assert(IN(closed, me)); goto give_up
			fi
		}
		atomic {
			if
			:: IN(closed, me) -> goto withdraw
			:: else
			fi;
			DROP(waiting, me); DROP(cancelled, me);
			DROP(unmoved[gate], me); DROP(looked[gate], me);
			assert(!writing && !reading);
			writing = me + 1
		}
		/* MarkConsistent, or not; then Unlock. */
write:		if
		:: atomic { RECOVERED(ticket) && word == ticket -> put(MARKED(ticket)); goto write }
		:: atomic {
			word == ticket || word == MARKED(ticket) ->
			if
			:: turn == WANTED -> turn = THEIRS; s = 1
			:: else
			fi
		   }
		:: else -> assert(IN(closed, me)); goto leave
		fi;
		atomic {
			if
			:: word == ticket || word == MARKED(ticket) ->
				assert(writing == (IN(closed, me) -> 0 : me + 1));
				writing = 0;
				give(word);
				goto given
			:: else -> assert(IN(closed, me)); goto leave
			fi
		}

		/* Pending no more. */
give_up:	atomic {
			if
			:: word == ticket -> put(WORD(COUNT(ticket), 0, LEFT(ticket), 0, NONE)); goto given
			:: else -> goto leave
			fi
		}

		/* It was closed meanwhile: given back. */
withdraw:	atomic {
			if
			:: word == ticket -> give(ticket)
			:: else -> goto leave
			fi
		}

		/* The word is free. */
given:		atomic {
			if
#ifdef TURN_AS_GIVEN
			:: s
			:: !s -> goto wake_all
#else
			:: turn == THEIRS
			:: turn != THEIRS -> goto wake_all
#endif
			fi
		}
		wake(FOR_READERS, ALL);
		goto leave;
wake_all:	wake(FOR_READERS, ALL);
#ifndef WAKE_NO_WRITER
		wake(FOR_WRITERS, ONE);
#endif
		goto leave;

entered:	atomic {
			if
			:: turn == WANTED && phase != fast -> turn = OPEN
			:: else
			fi
		}
		atomic {
			if
			:: IN(closed, me) -> w = 0; goto uncount
			:: else
			fi;
			DROP(waiting, me); DROP(cancelled, me);
			DROP(unmoved[gate], me); DROP(looked[gate], me);
			assert(!writing);
			assert(TOLD(w) == tell);
			w = 0;
			ADD(reading, me)
		}
		DROP(reading, me);
		/* RUnlock. */
uncount:	atomic {
			drained;
			if
			:: counting && READERS(state[has[me]]) -> state[has[me]]--; looked[FOR_PENDING] = 0
			:: else -> assert(IN(closed, me)); goto leave
			fi
		}
		wake(FOR_PENDING, ONE);
		atomic {
			if
			:: turn == THEIRS -> turn = OPEN; anything
			:: else -> goto leave
			fi
		}
		wake(FOR_WRITERS, ONE);
		goto leave;

		/* Wait. */
enter:		atomic {
			if
			:: ended(me) -> goto refuse
			:: else -> ADD(waiting, me); phase = check
			fi
		}
announce:	atomic {
			ADD(parked, gate);
			ADD(unmoved[gate], me);
			if
			:: phase == check || phase == recheck -> ADD(looked[gate], me)
			:: else
			fi;
			if
			:: gate == FOR_READERS -> goto LOOK
			:: gate == FOR_WRITERS -> goto look_turn
			:: gate == FOR_PENDING -> goto drain
			fi
		}
sleep:		atomic {
			w = 0; s = 0; r = 0; n = 0;
			if
			:: ended(me) -> goto refuse
			:: !ended(me) && IN(unmoved[gate], me) -> ADD(asleep[gate], me)
			:: !ended(me) && !IN(unmoved[gate], me) -> goto moved
			fi
		}
		atomic {
			if
			:: !IN(asleep[gate], me) -> phase = park; goto announce /* it was woken: it looks first */
			:: IN(asleep[gate], me) && may_recheck -> DROP(asleep[gate], me); phase = recheck; goto announce
			:: IN(asleep[gate], me) && ended(me) -> DROP(asleep[gate], me); goto refuse
			fi
		}
moved:		atomic {
			if
			:: ended(me)
			:: else -> phase = park; goto announce
			fi
		}

refuse:		atomic {
#ifdef LATE_REFUSAL
			DROP(waiting, me); /* Close may end, and then it does nothing more */
#endif
			DROP(unmoved[gate], me); DROP(looked[gate], me);
			if
			:: gate == FOR_WRITERS && IN(cancelled, me) -> goto no_time
			:: gate == FOR_WRITERS && !IN(cancelled, me) -> goto leave
			:: gate == FOR_PENDING -> DROP(cancelled, me)
			:: gate == FOR_READERS -> DROP(cancelled, me); goto no_turn
			fi
		}
		goto give_up;

		/* A writer that saw no reader takes what was left to them, and waits no more. */
no_time:	atomic {
			if
			:: turn == THEIRS -> turn = OPEN; anything
			:: goto leave
			fi
		}
left:		atomic {
			w = word;
			if
			:: SLOT(w) == NONE
			:: else -> w = 0; goto leave
			fi
		}
		atomic {
			if
			:: word == w -> take(FOUND(w)); goto drain
			:: else -> w = 0; goto left
			fi
		}
no_turn:	atomic {
			if
#ifdef TURN_KEPT
			:: true -> goto leave
#else
			:: turn == THEIRS -> turn = OPEN; anything
			:: else -> turn = OPEN; goto leave
#endif
			fi
		}
		wake(FOR_WRITERS, ONE);

leave:		strip(me)
	} unless { dead[me] };
	/* What ends alike is to be the same state. */
	d_step { mine = 0; w = 0; ticket = 0; reader = false; gate = 0; phase = fast; s = 0; r = 0; n = 0 }
}

proctype Kernel() {
end:	do
	:: atomic { lock[1] == dying -> lock[1] = free; anything }
	:: atomic { lock[2] == dying -> lock[2] = free; anything }
#if SLOTS > 2
	:: atomic { lock[3] == dying -> lock[3] = free; anything }
#endif
	od
}

/* Two that only write are alike: with other numbers it is the same if the second
 * dies. What happens without an accident is checked without KILL, but for CANCEL. */
#ifdef JOIN
#define MAY_DIE(p) true
#define MAY_LIVE   true
#else
#define MAY_DIE(p) (p != 1)
#define MAY_LIVE   false
#endif
proctype Killer() {
	byte p, left = 1;
end:	do
	:: MAY_LIVE && left -> left = 0 /* or else a kill could always end a wait */
	:: atomic {
		if
		:: left && IN(attached, 0) && MAY_DIE(0) -> p = 0
		:: left && IN(attached, 1) && MAY_DIE(1) -> p = 1
		:: left && IN(attached, 2) && MAY_DIE(2) -> p = 2
		fi;
		left--;
		accident = true;
		dead[p] = true;
		lock[has[p]] = dying;
		if
		:: writing == p + 1 -> writing = 0
		:: else
		fi;
		strip(p);
		DROP(closed, p);
		has[p] = 0;
		p = 0
	   }
	od
}

/* Of those that are alike one is cancelled, and not the one that is closed. */
#ifdef CLOSE
#define CANCELLED 2
#else
#define CANCELLED 0
#endif
#ifdef CANCEL
proctype Canceller() {
end:	atomic { IN(waiting, CANCELLED) -> ADD(cancelled, CANCELLED) }
}
#endif

/* Closes the lock of the first process while that uses it. */
proctype Closer() {
end_none:	atomic {
		IN(attached, 0);
		if
		:: !IN(waiting, 0) -> accident = true
		:: else
		fi;
		ADD(closed, 0);
		DROP(reading, 0);
		if
		:: writing == 1 -> writing = 0
		:: else
		fi
	}
	atomic {
		!IN(waiting, 0);
		if
		:: IN(closed, 0) -> lock[has[0]] = free; anything; DROP(attached, 0)
		:: else -> goto end
		fi
	}
	dead[0] = true;
end:	skip
}

init {
	atomic {
		state[1] = STATE(1, 0);
		state[2] = STATE(1, 0);
		lock[1] = held;
		lock[2] = held;
		has[0] = 1;
		has[1] = 2;
		attached = 3;
#if SLOTS > 2
#ifndef USED
		state[3] = STATE(1, 0);
		lock[3] = held;
		has[2] = 3;
		attached = 7;
#endif
#endif
		run Process(0);
		run Process(1);
		run Process(2);
		run Kernel();
#ifdef NO_FENCE
		run StoreBuffer();
#endif
#ifdef KILL
		run Killer();
#endif
#ifdef CLOSE
		run Closer();
#endif
#ifdef CANCEL
		run Canceller();
#endif
	}
}

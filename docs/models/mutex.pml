/*
 * The crash-safe mutex, ipcsync.Mutex.
 *
 * One word says which process holds it. It is changed by compare and swap alone:
 *
 *	removed           the object is removed: no process takes the word any more
 *	count             how often it was taken, so that no two acquisitions look alike
 *	recovered         a holder died, and none has marked it consistent since
 *	generation, slot  the holder; slot NONE, or DEAD for one known to be dead
 *
 * A process has the kernel's lock on its slot, which falls some time after its
 * death. A process that takes a slot counts its generation up. So a holder is dead
 * if its slot isn't locked, or has another generation by now.
 *
 * Taking the word from a dead holder sets recovered. MarkConsistent clears it.
 * Unlocking, giving back and taking from none keep it. No state keeps every process
 * out.
 *
 * Three processes lock the mutex, once each; without KILL the first does so twice.
 * One that is told of a death marks the mutex consistent or doesn't.
 *
 * KILL: two of them are killed, each between any two steps.
 *
 * JOIN: there are two slots, and the third process waits for one: the dead one's.
 *
 * CLOSE: JOIN with one kill, and one process closes its mutex at any moment and
 * goes on with what it was doing. Close waits until the process has left Gate.Wait,
 * gives the slot up, and lays private memory over the shared: what the process does
 * from then on is lost. (The code gives the slot up last, so that less can happen
 * there than here.)
 *
 * REMOVE: two processes lock the mutex, a third one removes it, and a fourth one
 * creates its name anew, once what has the name is marked as removed. With KILL, of
 * those that lock and the one that removes one is killed each. To remove is to mark the
 * word, to wake all, and then, with a lock on the file, to look whether the name still
 * leads there and to unlink it. What the fourth creates has a word of its own.
 *
 * Checked are exclusion: at most one process is inside; recovered until marked: a
 * process that takes the mutex is told if, and only if, a holder has died and none
 * has marked it consistent since; and progress: no process waits for ever, which
 * would be an invalid end state. With REMOVE also: no process takes the mutex when its
 * name is free or another object's; only the name of what is marked is unlinked; and
 * the name can be created anew, whichever process was killed.
 *
 * Parking and waking are those of parkwake.pml in fewer steps. A sleeping process
 * looks again after 100 ms: here at any moment, but only if there was a kill or a
 * close at all, and something has changed since it last looked.
 */

/* The word. */
#define NONE 0
#define DEAD 7
#define WORD(count, recovered, generation, slot) \
	((count) << 7 | (recovered) << 6 | (generation) << 3 | (slot))
#define REMOVED 8192 /* the bit above the count */
#define COUNT(w)      (((w) & REMOVED - 1) >> 7)
#define RECOVERED(w)  ((w) >> 6 & 1)
#define GENERATION(w) ((w) >> 3 & 7)
#define SLOT(w)       ((w) & 7)
#define MARKED(w)     (WORD(COUNT(w), 0, GENERATION(w), SLOT(w)) | (w) & REMOVED)
#define GIVEN(w)      (WORD(COUNT(w), KEPT(w), 0, NONE) | GONE(w))
#define IS(ticket)    ((word & REMOVED - 1) == (ticket))

#ifdef UNLOCK_UNMARKS
#define GONE(w) 0
#else
#define GONE(w) ((w) & REMOVED)
#endif

#ifdef NO_COUNT
#define NEXT(w) 0
#else
#define NEXT(w) (COUNT(w) + 1)
#endif

/* The bit after the word was unlocked, and after it was taken from none. */
#ifdef UNLOCK_CLEARS
#define KEPT(w) 0
#else
#define KEPT(w) RECOVERED(w)
#endif
#ifdef TAKE_CLEARS
#define FOUND(w) 0
#else
#define FOUND(w) RECOVERED(w)
#endif

/* Slots are 1 to SLOTS. */
#define PROCESSES 3
#if defined(CLOSE) || defined(JOIN)
#define SLOTS 2
#else
#define SLOTS 3
#endif

/* Shared memory. */
short word;
byte generation[SLOTS + 1];
bool parked; /* the bit of the gate */

/* The kernel's. */
mtype = { free, held, dying } /* dying: a dead process's, not yet released */
mtype lock[SLOTS + 1] = free;

/* Sets of processes, a bit each. */
byte asleep;
byte unmoved; /* it may fall asleep: the gate is as it was when announced there */
byte looked;  /* nothing has changed since it looked */
byte waiting; /* in Gate.Wait */
byte closed;  /* has closed the mutex */
#define IN(set, p)   (set >> (p) & 1)
#define ADD(set, p)  set = set | 1 << (p)
#define DROP(set, p) set = set & (7 - (1 << (p)))

byte attached; /* has a slot, */
byte has[PROCESSES]; /* this one */
bool dead[PROCESSES];
bool accident; /* there was a kill or a close */

#ifdef REMOVE
/* The name leads to: */
#define NOTHING 0
#define FIRST   1 /* the mutex that the processes have open */
#define SECOND  2 /* another one */
byte name = FIRST;
mtype = { replacing }
mtype unlinking = free; /* the lock on the first one's file */
bool killed;            /* the process that removes */
bool removing = true;
#endif

/* What is checked. */
byte inside; /* the living holder's number + 1 */
bool tell;   /* if the holder dies now, or with none as it is, the next is to be told */

#define put(w) word = w; looked = 0

#if defined(REMOVE) && !defined(KILL)
#define KEEPER 1
#define HELD keep
#else
#define HELD held_by_me
#endif

#ifdef REMOVE
#define IN_USE assert(name == FIRST)
#else
#define IN_USE skip
#endif

/* The word is this process's from here on, and so is what it protects. */
#define take(recovered) \
	ticket = WORD(NEXT(w), recovered, mine, has[me]); \
	IN_USE; \
	put(ticket); \
	assert(RECOVERED(ticket) == tell); \
	tell = true

/* It is no more. */
#define give(w) \
	tell = RECOVERED(w); \
	put(GIVEN(w))

#ifdef NO_RECHECK
#define recheck(p) false
#else
#define recheck(p) (accident && !IN(looked, p))
#endif

/* The change before is a step of its own, and so is the look at the gate. */
inline wake_one() {
	if
	:: !parked
	:: parked ->
		atomic {
			unmoved = 0;
			if
			:: !asleep -> parked = false
			:: IN(asleep, 0) -> DROP(asleep, 0)
			:: IN(asleep, 1) -> DROP(asleep, 1)
			:: IN(asleep, 2) -> DROP(asleep, 2)
			fi
		}
	fi
}

#ifdef NO_FENCE
/* One is enough: the process that unlocks next has seen this store in memory. */
short buffered;
byte buffering; /* the number + 1 of its process */
proctype StoreBuffer() {
end:	do
	:: atomic { buffering -> put(buffered); buffering = 0; buffered = 0 }
	od
}
#define drained (buffering != me + 1)
#else
#define drained true
#endif

/* What a look at the mutex is for. */
mtype = { fast, park, check }

/* It takes no part any more. */
inline strip(p) {
	d_step {
		DROP(attached, p);
		DROP(waiting, p);
		DROP(asleep, p);
		DROP(unmoved, p);
		DROP(looked, p)
	}
}

proctype Process(byte me; byte locks) {
	byte mine = 1; /* its generation */
	short w;       /* the word as last read */
	short ticket, before;
	mtype phase = fast;
#ifdef TWO_STEPS
	bool cleared;
#endif
	{
		if
		:: has[me] -> goto start
		:: else
		fi;
		/* Join. */
end_join:	atomic {
			if
			:: lock[1] == free -> has[me] = 1
			:: lock[2] == free -> has[me] = 2
			fi;
			lock[has[me]] = held;
			ADD(attached, me)
		}
#ifndef NO_GENERATION
		atomic { generation[has[me]]++; mine = generation[has[me]]; looked = 0 }
#endif
		atomic {
			w = word;
			if
			:: SLOT(w) == has[me] && GENERATION(w) != mine
			:: else -> goto start
			fi
		}
		atomic {
			if
			:: word == w -> put(WORD(COUNT(w), RECOVERED(w), 0, DEAD) | (w) & REMOVED)
			:: else -> goto start
			fi
		}
		wake_one();

		/* Lock. */
start:		if
		:: phase = fast
#ifndef KILL
		:: goto out
#endif
		fi;
look:		atomic {
			drained;
			w = word;
#ifdef REMOVE
			if
#ifdef STEAL_REMOVED
			:: w & REMOVED && SLOT(w) == NONE -> goto out
#else
			:: w & REMOVED -> goto out
#endif
			:: else
			fi;
#endif
			if
			:: SLOT(w) == NONE -> goto from_none
			:: SLOT(w) != NONE && phase == fast -> w = 0; goto enter
			:: SLOT(w) == DEAD && phase != fast -> goto from_dead
			:: else
			fi
		}
		atomic {
			if
			:: generation[SLOT(w)] != GENERATION(w) -> goto from_dead
			:: generation[SLOT(w)] == GENERATION(w) && phase == park -> goto sleep
			:: else
			fi
		}
		atomic {
			if
			:: lock[SLOT(w)] != free -> goto sleep
			:: else
			fi
		}
#ifdef PROBE_FIRST
		atomic {
			if
			:: SLOT(word) == SLOT(w) -> w = word
			:: else -> goto look
			fi
		}
#endif
from_dead:	atomic {
			if
#ifdef TWO_STEPS
			:: word == w -> put(WORD(COUNT(w), RECOVERED(w), 0, NONE)); cleared = true; goto look
#else
			:: word == w -> take(1); goto locked
#endif
			:: else -> goto look
			fi
		}
from_none:	atomic {
			if
#ifdef TWO_STEPS
			:: word == w -> take(cleared | RECOVERED(w))
#else
			:: word == w -> take(FOUND(w))
#endif
			:: else -> goto look
			fi
		}

		/* It is this process's. */
locked:		atomic {
			w = 0;
			if
			:: IN(closed, me) -> goto withdraw
			:: else -> DROP(waiting, me); DROP(unmoved, me); DROP(looked, me)
			fi;
			assert(!inside);
			inside = me + 1;
			if
			:: before -> skip
			:: else -> goto HELD
			fi
		}
		/* A second Unlock of what was locked before does nothing. */
		atomic {
			if
			:: IS(before) -> put(GIVEN(word))
			:: else
			fi
		}
#ifdef KEEPER
		/* It may keep the mutex until the others have ended. */
keep:		if
		:: skip
		:: skip -> !(attached & 7 - (1 << me))
		fi;
#endif
held_by_me:	if
		:: atomic { RECOVERED(ticket) && IS(ticket) -> put(MARKED(word)); goto held_by_me }
		:: atomic {
			IS(ticket) || IS(MARKED(ticket)) ->
			assert(inside == (IN(closed, me) -> 0 : me + 1));
			inside = 0;
#ifdef NO_FENCE
			tell = RECOVERED(word);
			buffering = me + 1;
			buffered = GIVEN(word)
#else
			give(word)
#endif
		   }
		:: else -> assert(IN(closed, me)); goto out
		fi;
		goto unlocked;

		/* It was closed meanwhile: given back. */
withdraw:	atomic {
			if
#ifdef WITHDRAW_CLEARS
			:: word == ticket -> give(word); word = MARKED(word)
#else
			:: word == ticket -> give(word)
#endif
			:: else -> goto out
			fi
		}
unlocked:	wake_one();
		atomic {
			locks--;
			before = ticket;
			ticket = 0;
			w = 0;
			if
			:: locks -> goto start
			:: else
			fi
		}
		goto out;

		/* Wait. */
enter:		atomic {
			if
			:: IN(closed, me) -> goto out
			:: else -> ADD(waiting, me); phase = check
			fi
		}
announce:	atomic {
			parked = true;
			ADD(unmoved, me);
			if
			:: phase == check -> ADD(looked, me)
			:: else
			fi;
			goto look
		}
sleep:		atomic {
			w = 0;
			if
			:: IN(closed, me) -> goto out
			:: !IN(closed, me) && IN(unmoved, me) -> ADD(asleep, me)
			:: else
			fi
		}
		atomic {
			if
			:: !IN(asleep, me) -> phase = park
			:: IN(asleep, me) && recheck(me) -> DROP(asleep, me); phase = check
			fi;
			goto announce
		}

out:		strip(me)
	} unless { dead[me] };
	/* What ends alike is to be the same state. */
	d_step { locks = 0; mine = 0; w = 0; ticket = 0; before = 0; phase = fast }
}

#ifdef REMOVE
/* The name of the first mutex is unlinked, if it has it. */
inline unlink(by) {
#ifndef NO_LOCK
	atomic { unlinking == free -> unlinking = by };
#endif
	if
	:: name == FIRST -> atomic { assert(name == FIRST); name = NOTHING }
	:: else
	fi;
	unlinking = free
}

/* All are woken. */
inline wake_all() {
	atomic {
		if
		:: parked -> parked = false; asleep = 0; unmoved = 0
		:: else
		fi
	}
}

proctype Remover() {
	{
#ifdef UNLINK_FIRST
		unlink(held);
#endif
		atomic { put(word | REMOVED) };
#ifndef NO_WAKE_ALL
		wake_all();
#endif
#ifndef UNLINK_FIRST
		unlink(held);
#endif
		removing = false
	} unless { killed }
}

/* Creates the name anew. That there is a mutex that is not removed is no failure. */
proctype Creator() {
end_exists:
	(name == NOTHING || word & REMOVED);
again:	if
	:: atomic { name == NOTHING -> name = SECOND }
#ifndef NO_REPLACE
	:: name == FIRST -> unlink(replacing); goto again
#endif
	fi
}
#endif

proctype Kernel() {
end:	do
#ifdef REMOVE
	:: atomic { unlinking == dying -> unlinking = free }
#endif
	:: atomic { lock[1] == dying -> lock[1] = free; looked = 0 }
	:: atomic { lock[2] == dying -> lock[2] = free; looked = 0 }
#if SLOTS > 2
	:: atomic { lock[3] == dying -> lock[3] = free; looked = 0 }
#endif
	od
}

/* Processes that are alike needn't all be killed in turn: with other numbers it is
 * the same. So with three slots the first to die is 0 and the second 1, with two
 * the first is 0. What happens without an accident is checked without KILL. */
#if defined(CLOSE) || defined(REMOVE)
#define KILLS 1
#define MAY_DIE(p) true
#define MAY_LIVE true
#else
#define MAY_LIVE (left < KILLS)
#endif
#if defined(CLOSE) || defined(REMOVE)
#elif defined(JOIN)
#define KILLS 2
#define MAY_DIE(p) (left < KILLS || p == 0)
#else
#define KILLS 2
#define MAY_DIE(p) (p == KILLS - left)
#endif
proctype Killer() {
	byte p, left = KILLS;
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
		:: inside == p + 1 -> inside = 0
		:: else
		fi;
		strip(p);
		DROP(closed, p);
		has[p] = 0;
		p = 0
	   }
	od
}

#ifdef REMOVE
/* Kills the process that removes, or doesn't. */
proctype RemoverKiller() {
end:	atomic {
		removing;
		if
		:: skip
		:: accident = true;
		   killed = true;
		   if
		   :: unlinking == held -> unlinking = dying
		   :: else
		   fi
		fi
	}
}
#endif

/* Closes the mutex of the first process while that uses it. */
proctype Closer() {
end_none:	atomic {
		IN(attached, 0);
		accident = true;
		ADD(closed, 0);
		DROP(asleep, 0);
		if
		:: inside == 1 -> inside = 0
		:: else
		fi
	}
	atomic {
		!IN(waiting, 0);
		if
		:: IN(closed, 0) -> lock[has[0]] = free; looked = 0; DROP(attached, 0)
		:: else -> goto end
		fi
	}
	dead[0] = true;
end:	skip
}

init {
	atomic {
		generation[1] = 1;
		generation[2] = 1;
		lock[1] = held;
		lock[2] = held;
		has[0] = 1;
		has[1] = 2;
		attached = 3;
#if SLOTS > 2
		generation[3] = 1;
		lock[3] = held;
		has[2] = 3;
		attached = 7;
#endif
#ifdef KILL
		run Process(0, 1);
#else
		run Process(0, 2);
#endif
		run Process(1, 1);
#ifdef REMOVE
		attached = 3;
		run Remover();
		run Creator();
#else
		run Process(2, 1);
#endif
		run Kernel();
#ifdef NO_FENCE
		run StoreBuffer();
#endif
#ifdef KILL
		run Killer();
#endif
#if defined(KILL) && defined(REMOVE)
		run RemoverKiller();
#endif
#ifdef CLOSE
		run Closer();
#endif
	}
}

/*
 * The crash-safe mutex, ipcsync.Mutex.
 *
 * One word says who holds it, and is changed by compare and swap alone:
 *
 *	count             how often it was locked, so that no two acquisitions look alike
 *	inherited         it was taken from a dead holder, who may have left a mess
 *	generation, slot  the holder; slot NOBODY, or DEAD for one known to be dead
 *
 * A process has the kernel's lock on its slot, which falls some time after its
 * death. Who takes a slot counts its generation up. So a holder is dead when his
 * slot isn't locked, or has another generation by now.
 *
 * Three processes lock the mutex, once each, the first one twice. Who is told
 * NotRecoverable may Reset the mutex and try again.
 *
 * KILL: two of them are killed, each between any two steps.
 *
 * JOIN: there are two slots, and the third process waits for one. It is the dead
 * one's.
 *
 * CLOSE: JOIN with one kill, and one process closes its mutex at any moment and
 * goes on with what it was doing. Close waits until it has left Gate.Wait, gives
 * the slot up, and lays private memory over the shared: what the process does from
 * then on is lost.
 *
 * Every holder makes a mess of what the mutex protects and clears it up again.
 * Who finds a mess must have been told. Who waits for ever is an invalid end
 * state.
 *
 * Parking and waking are those of parkwake.pml in fewer steps. Who sleeps looks
 * again after 100 ms: here at any moment, but only if there was a kill or a close
 * at all, and something has changed since he last looked.
 *
 * holds:
 * holds: KILL
 * holds: KILL JOIN
 * holds: KILL CLOSE
 * fails: NO_FENCE                Unlock is a plain store, still in its buffer at the look at the gate
 * fails: NO_COUNT                a second Unlock gives up what was locked after the first
 * fails: KILL NO_RECHECK         nobody looks again after 100 ms
 * fails: KILL TWO_STEPS          a dead holder's mutex is set free, then locked
 * fails: KILL JOIN NO_GENERATION who has the dead holder's slot is taken for him
 * fails: KILL JOIN PROBE_FIRST   the slot was probed, then the word read again
 * fails: KILL CLOSE NO_WAIT      Close doesn't wait for who is taking over from a dead holder
 */

/* The word. */
#define NOBODY 0
#define DEAD   7
#define WORD(count, inherited, generation, slot) \
	((count) << 7 | (inherited) << 6 | (generation) << 3 | (slot))
#define COUNT(w)      ((w) >> 7)
#define INHERITED(w)  ((w) >> 6 & 1)
#define GENERATION(w) ((w) >> 3 & 7)
#define SLOT(w)       ((w) & 7)

#ifdef NO_COUNT
#define NEXT(w) 0
#else
#define NEXT(w) (COUNT(w) + 1)
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
byte spent;   /* a wake-up was spent on it */
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
bool accident; /* somebody was killed, or has closed the mutex */

/* What is checked. */
byte inside; /* the living holder's number + 1 */
bool mess;   /* what is protected is half changed */
bool lost;   /* a holder who was told so died or unlocked and had not mended it */

#define put(w) word = w; looked = 0

#ifdef NO_RECHECK
#define recheck(p) false
#else
#define recheck(p) (accident && !IN(looked, p))
#endif

/* The change before is a step of its own, and so is the look at the gate. */
#define ONE 1
#define ALL 2
inline wake(n) {
	if
	:: !parked
	:: parked ->
		atomic {
			unmoved = 0;
			if
			:: n == ALL || !asleep -> parked = false; spent = spent | asleep; asleep = 0
			:: n == ONE && IN(asleep, 0) -> DROP(asleep, 0); ADD(spent, 0)
			:: n == ONE && IN(asleep, 1) -> DROP(asleep, 1); ADD(spent, 1)
			:: n == ONE && IN(asleep, 2) -> DROP(asleep, 2); ADD(spent, 2)
			fi
		}
	fi
}

#ifdef NO_FENCE
/* One is enough: who unlocks next has seen this store in memory. */
short buffered;
byte buffering; /* whose it is, as his number + 1 */
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

proctype Process(byte me; byte locks) {
	byte mine = 1; /* its generation */
	short w;       /* the word as last read */
	short ticket, before;
	mtype phase = fast;
life:	{
		if
		:: has[me] -> goto start
		:: else
		fi;
		/* Join. */
end_join:	atomic {
			if
			:: lock[1] == free -> has[me] = 1
			:: lock[1] != free && lock[2] == free -> has[me] = 2
#if SLOTS > 2
			:: lock[1] != free && lock[2] != free && lock[3] == free -> has[me] = 3
#endif
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
			:: word == w -> put(WORD(COUNT(w), INHERITED(w), 0, DEAD))
			:: else -> goto start
			fi
		}
		wake(ONE);

		/* Lock. */
start:		phase = fast;
look:		atomic {
			drained;
			w = word;
			if
			:: SLOT(w) == NOBODY && !INHERITED(w) -> goto take
			:: SLOT(w) == NOBODY && INHERITED(w) -> assert(lost); goto hopeless
			:: SLOT(w) != NOBODY && phase == fast -> goto enter
			:: SLOT(w) == DEAD && phase != fast -> goto steal
			:: else
			fi
		}
		atomic {
			if
			:: generation[SLOT(w)] != GENERATION(w) -> goto steal
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
steal:		atomic {
			if
			:: word != w -> goto look
			:: word == w && INHERITED(w) -> assert(lost); w = WORD(COUNT(w), 1, 0, NOBODY); put(w)
			:: word == w && !INHERITED(w) ->
#ifdef TWO_STEPS
				put(WORD(COUNT(w), 0, 0, NOBODY));
				goto look
#else
				ticket = WORD(NEXT(w), 1, mine, has[me]);
				put(ticket);
				goto locked
#endif
			fi
		}
		wake(ALL);
		goto hopeless;
take:		atomic {
			if
			:: word == w -> ticket = WORD(NEXT(w), 0, mine, has[me]); put(ticket); goto locked
			:: else -> goto look
			fi
		}

		/* Wait. */
enter:		atomic {
			if
			:: IN(closed, me) -> goto leave
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
			DROP(spent, me);
			if
			:: IN(closed, me) -> goto leave
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

		/* It is this process's. */
locked:		atomic {
			w = 0;
			if
			:: IN(closed, me) -> goto undo
			:: else -> DROP(waiting, me); DROP(spent, me)
			fi;
			assert(!inside);
			inside = me + 1;
			assert(!lost);
			assert(!mess || INHERITED(ticket));
			mess = true
		}
		atomic {
			if
			:: IN(closed, me) -> goto leave
			:: else -> mess = false
			fi
		}
		/* A second Unlock of what was locked before does nothing. */
		if
		:: before == 0
		:: before != 0 -> atomic {
			if
			:: word == before -> put(WORD(COUNT(word), INHERITED(word), 0, NOBODY))
			:: else
			fi
		   }
		fi;
		/* MarkConsistent, or not. */
		if
		:: INHERITED(ticket) -> atomic {
			if
			:: word == ticket -> ticket = WORD(COUNT(ticket), 0, mine, has[me]); put(ticket); lost = false
			:: else -> assert(IN(closed, me)); goto leave
			fi
		   }
		:: skip
		fi;
		/* Unlock. */
		atomic {
			if
			:: word == ticket
			:: else -> assert(IN(closed, me)); goto leave
			fi;
			assert(inside == (IN(closed, me) -> 0 : me + 1));
			inside = 0;
			if
			:: INHERITED(ticket) -> lost = true
			:: else
			fi;
#ifdef NO_FENCE
			buffering = me + 1;
			buffered = WORD(COUNT(ticket), INHERITED(ticket), 0, NOBODY)
#else
			put(WORD(COUNT(ticket), INHERITED(ticket), 0, NOBODY))
#endif
		}
		wake(ONE);
		goto done;

		/* Lock fails, and whoever was woken for it wakes the next. */
hopeless:	atomic {
			DROP(waiting, me);
			if
			:: IN(spent, me) -> DROP(spent, me)
			:: else -> goto reset
			fi
		}
		wake(ONE);
reset:		if
		:: atomic {
			if
			:: IN(closed, me) -> goto leave
			:: !IN(closed, me) && word == w ->
				put(WORD(COUNT(w), 0, 0, NOBODY));
				lost = false;
				mess = false /* it was repaired before */
			:: else
			fi;
			goto start
		   }
		:: goto done
		fi;

		/* It was closed meanwhile: given back. */
undo:		atomic {
			if
			:: word != ticket -> goto leave
			:: word == ticket && INHERITED(ticket) -> put(WORD(COUNT(ticket), 0, 0, DEAD))
			:: word == ticket && !INHERITED(ticket) -> put(WORD(COUNT(ticket), 0, 0, NOBODY))
			fi
		}
		wake(ONE);
leave:		DROP(waiting, me);
		goto out;

done:		atomic {
			locks--;
			before = ticket;
			ticket = 0;
			w = 0;
			if
			:: locks -> goto start
			:: else
			fi
		}
out:		DROP(attached, me)
	} unless { dead[me] };
	skip
}

proctype Kernel() {
end:	do
	:: atomic { lock[1] == dying -> lock[1] = free; looked = 0 }
	:: atomic { lock[2] == dying -> lock[2] = free; looked = 0 }
#if SLOTS > 2
	:: atomic { lock[3] == dying -> lock[3] = free; looked = 0 }
#endif
	od
}

inline somebody() {
	if
	:: IN(attached, 0) -> p = 0
	:: IN(attached, 1) -> p = 1
	:: IN(attached, 2) -> p = 2
	fi
}

#ifdef CLOSE
#define KILLS 1
#else
#define KILLS 2
#endif
proctype Killer() {
	byte p, left = KILLS;
end:	do
	:: left -> left = 0 /* or else a kill could always end a wait */
	:: atomic {
		left && attached;
		somebody();
		left--;
		accident = true;
		dead[p] = true;
		lock[has[p]] = dying;
		if
		:: INHERITED(word) && SLOT(word) == has[p] && GENERATION(word) == generation[has[p]] -> lost = true
		:: else
		fi;
		if
		:: inside == p + 1 -> inside = 0
		:: else
		fi;
		DROP(attached, p);
		DROP(asleep, p);
		DROP(spent, p);
		DROP(unmoved, p);
		DROP(looked, p);
		DROP(waiting, p);
		DROP(closed, p);
		has[p] = 0;
		p = 0
	   }
	od
}

/* Closes the mutex of the first process, or not. */
proctype Closer() {
	atomic {
		if
		:: IN(attached, 0)
		:: goto end
		fi;
		accident = true;
		ADD(closed, 0);
		DROP(asleep, 0);
		if
		:: inside == 1 -> inside = 0; lost = lost || INHERITED(word)
		:: else
		fi
	}
	atomic {
#ifndef NO_WAIT
		!IN(waiting, 0);
#endif
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
		run Process(2, 1);
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
	}
}

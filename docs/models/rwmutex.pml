/*
 * The crash-safe lock for many readers or one writer, ipcsync.RWMutex.
 *
 * The word is that of mutex.pml, with the writer for its holder and a bit more:
 *
 *	pending  the writer has the word, and waits for the readers to leave
 *
 * Each slot has a word of its own: its generation, and how many readers its
 * process has. A reader counts himself there, then looks at the word: if there is
 * a writer he takes the count back, wakes the one who may be pending, and waits. A
 * writer takes the word, pending, then looks at each slot until it has no readers
 * or its process is dead, then takes pending away. So a reader and a writer can't
 * miss each other, and who is pending keeps new readers out.
 *
 * A pending writer who dies or gives up leaves the lock as it was: free. Of one
 * who died later there is a mess: a writer who finds it has the lock alone, to
 * clear it up; a reader is told and leaves.
 *
 * There are three gates: for readers, for writers, and for the one who is pending.
 *
 * Three processes come, once each, to read or to write. KILL (of one), JOIN, the mess
 * and the looks after 100 ms are those of mutex.pml. With KILL but not JOIN two
 * write and one reads. CLOSE is JOIN and the Close of mutex.pml, and the second
 * process writes. CANCEL: whoever is pending may give up instead of falling asleep.
 *
 * holds:
 * holds: KILL
 * holds: KILL JOIN CANCEL
 * holds: CLOSE
 * fails: LOOK_FIRST             a reader looks at the word, then counts himself
 * fails: NO_FENCE               his count is still in his buffer when he looks at the word
 * fails: KILL JOIN NO_RECHECK   nobody looks again after 100 ms
 * fails: KILL JOIN PROBE_FIRST  a slot was probed, then its readers were read again
 * fails: CLOSE BLIND_COUNT      who is late counts himself in a slot that is another's by now
 */

/* The word. */
#define NOBODY 0
#define DEAD   7
#define WORD(count, pending, inherited, generation, slot) \
	((count) << 8 | (pending) << 7 | (inherited) << 6 | (generation) << 3 | (slot))
#define COUNT(w)      ((w) >> 8)
#define PENDING(w)    ((w) >> 7 & 1)
#define INHERITED(w)  ((w) >> 6 & 1)
#define GENERATION(w) ((w) >> 3 & 7)
#define SLOT(w)       ((w) & 7)

/* The word of a slot, with how many readers it has. Slots are 1 to SLOTS. */
#define STATE(generation, readers) ((generation) << 2 | (readers))
#define OF(state)      ((state) >> 2)
#define READERS(state) ((state) & 3)

#define PROCESSES 3
#if defined(CLOSE) || defined(JOIN)
#define SLOTS 2
#else
#define SLOTS 3
#endif

/* Shared memory. */
short word;
byte state[SLOTS + 1];
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
byte spent;      /* a wake-up was spent on it */
byte waiting;    /* in Gate.Wait */
byte closed;     /* has closed the lock */
#define IN(set, p)   (set >> (p) & 1)
#define ADD(set, p)  set = set | 1 << (p)
#define DROP(set, p) set = set & (7 - (1 << (p)))

byte attached; /* has a slot, */
byte has[PROCESSES]; /* this one */
bool dead[PROCESSES];
bool accident; /* somebody was killed, or has closed the lock */

/* What is checked. */
byte reading; /* living readers, as a set */
byte writing; /* the living writer's number + 1 */
bool mess;    /* what is protected is half changed */
bool lost;    /* a writer who was told so died or unlocked and had not mended it */

#define anything looked[0] = 0; looked[1] = 0; looked[2] = 0
#define put(w) word = w; anything

#ifdef NO_RECHECK
#define recheck false
#else
#define recheck (accident && !IN(looked[gate], me))
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
			:: n == ALL || !asleep[g] -> DROP(parked, g); spent = spent | asleep[g]; asleep[g] = 0
			:: n == ONE && IN(asleep[g], 0) -> DROP(asleep[g], 0); ADD(spent, 0)
			:: n == ONE && IN(asleep[g], 1) -> DROP(asleep[g], 1); ADD(spent, 1)
			:: n == ONE && IN(asleep[g], 2) -> DROP(asleep[g], 2); ADD(spent, 2)
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

/* What a look is for. */
mtype = { fast, park, check }

/* Who has closed the lock may count himself late, when his slot is another's. */
#ifdef BLIND_COUNT
#define counting true
#else
#define counting (OF(state[has[me]]) == mine)
#endif

#ifdef NO_FENCE
byte buffered; /* whose count is still in its buffer */
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
		DROP(spent, p);
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
	byte s, r;     /* for who is pending: a slot, and its word as last read */
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
#if SLOTS > 2
			:: lock[1] != free && lock[2] != free && lock[3] == free -> has[me] = 3
#endif
			fi;
			lock[has[me]] = held;
			ADD(attached, me)
		}
		atomic {
			mine = OF(state[has[me]]) + 1;
			state[has[me]] = STATE(mine, 0); /* in one store: the dead one's readers go with him */
			anything
		}
		wake(FOR_PENDING, ONE);
		atomic {
			w = word;
			if
			:: SLOT(w) == has[me] && GENERATION(w) != mine
			:: else -> goto start
			fi
		}
		atomic {
			if
			:: word == w -> put(WORD(COUNT(w), PENDING(w), INHERITED(w), 0, DEAD))
			:: else -> goto start
			fi
		}
		wake(FOR_READERS, ALL);
		wake(FOR_WRITERS, ONE);

start:		atomic {
			phase = fast;
			w = 0;
			if
			:: MAY_READ(me) -> reader = true; gate = FOR_READERS; goto count
			:: MAY_WRITE(me) -> reader = false; gate = FOR_WRITERS; goto look
			fi
		}

		/* RLock. */
count:
#ifdef LOOK_FIRST
		w = word;
#endif
		atomic {
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
#ifndef LOOK_FIRST
			w = word;
#endif
			assert(SLOT(w) != NOBODY || !INHERITED(w) || lost);
			if
			:: SLOT(w) == NOBODY && !INHERITED(w) -> goto read
			:: else
			fi
		}
		atomic {
			drained;
			if
			:: counting -> state[has[me]]--; looked[FOR_PENDING] = 0
			:: else
			fi
		}
		wake(FOR_PENDING, ONE);
		goto judge;

		/* Lock. */
look:		atomic {
			w = word;
			assert(SLOT(w) != NOBODY || !INHERITED(w) || lost)
		}

		/* Both. */
judge:		atomic {
			if
			:: SLOT(w) == NOBODY && !INHERITED(w) -> goto take
			:: SLOT(w) == NOBODY && INHERITED(w) -> goto hopeless
			:: SLOT(w) != NOBODY && phase == fast -> goto enter
			:: SLOT(w) == DEAD && phase != fast -> goto inherit
			:: else
			fi;
			if
			:: OF(state[SLOT(w)]) != GENERATION(w) -> goto inherit
			:: OF(state[SLOT(w)]) == GENERATION(w) && phase == park -> goto sleep
			:: else
			fi
		}
		atomic {
			if
			:: lock[SLOT(w)] != free -> goto sleep
			:: else
			fi
		}
inherit:	atomic {
			if
			:: word != w -> goto again
			:: word == w && PENDING(w) -> put(WORD(COUNT(w), 0, 0, 0, NOBODY))
			:: word == w && !PENDING(w) && INHERITED(w) ->
				assert(lost);
				put(WORD(COUNT(w), 0, 1, 0, NOBODY))
			:: word == w && !PENDING(w) && !INHERITED(w) && reader -> goto hopeless
			:: word == w && !PENDING(w) && !INHERITED(w) && !reader ->
				ticket = WORD(COUNT(w) + 1, 0, 1, mine, has[me]);
				put(ticket);
				goto write
			fi
		}
		wake(FOR_READERS, ALL);
		wake(FOR_WRITERS, ONE);
again:		if
		:: reader -> goto count
		:: else -> goto look
		fi;

		/* It is free, for a writer. */
take:		atomic {
			if
			:: word == w ->
				ticket = WORD(COUNT(w) + 1, 1, 0, mine, has[me]);
				put(ticket);
				w = 0;
				DROP(waiting, me);
				DROP(spent, me);
				phase = fast;
				gate = FOR_PENDING;
				s = 1
			:: else -> goto look
			fi
		}
drain:		atomic {
			r = state[s];
			if
			:: !READERS(r) && s < SLOTS -> r = 0; s++; goto drain
			:: !READERS(r) && s == SLOTS -> r = 0; s = 0; goto drained_all
			:: READERS(r) && phase == fast -> r = 0; goto enter
			:: READERS(r) && phase == park -> r = 0; goto sleep
			:: READERS(r) && phase == check
			fi
		}
		atomic {
			if
			:: lock[s] != free -> r = 0; goto sleep
			:: else
			fi
		}
#ifdef PROBE_FIRST
		r = state[s];
#endif
		atomic {
			if
			:: state[s] == r -> state[s] = STATE(OF(r), 0)
			:: else
			fi;
			goto drain
		}
drained_all:	atomic {
			if
			:: word == ticket && !IN(closed, me) -> ticket = WORD(COUNT(ticket), 0, 0, mine, has[me]); put(ticket)
			:: else -> assert(IN(closed, me)); goto give_up
			fi
		}

write:		atomic {
			w = 0;
			if
			:: IN(closed, me) -> goto undo
			:: else
			fi;
			DROP(waiting, me);
			DROP(spent, me);
			assert(!writing && !reading && !lost);
			assert(!mess || INHERITED(ticket));
			writing = me + 1;
			mess = true
		}
		atomic {
			if
			:: IN(closed, me) -> goto leave
			:: else -> mess = false
			fi
		}
		/* MarkConsistent, or not. */
		if
		:: INHERITED(ticket) -> atomic {
			if
			:: word == ticket -> ticket = WORD(COUNT(ticket), 0, 0, mine, has[me]); put(ticket); lost = false
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
			assert(writing == (IN(closed, me) -> 0 : me + 1));
			writing = 0;
			if
			:: INHERITED(ticket) -> lost = true
			:: else
			fi;
			put(WORD(COUNT(ticket), 0, INHERITED(ticket), 0, NOBODY))
		}
		goto wake_all;

		/* Pending no more. */
give_up:	atomic {
			DROP(waiting, me);
			if
			:: word == ticket -> put(WORD(COUNT(ticket), 0, 0, 0, NOBODY))
			:: else -> goto leave
			fi
		}
		goto wake_all;

		/* It was closed just before it had the mess to clear up: that is left to another. */
undo:		atomic {
			if
			:: word == ticket && INHERITED(ticket) -> put(WORD(COUNT(ticket), 0, 0, 0, DEAD))
			:: word == ticket && !INHERITED(ticket) -> put(WORD(COUNT(ticket), 0, 0, 0, NOBODY))
			:: else -> goto leave
			fi
		}
wake_all:	wake(FOR_READERS, ALL);
		wake(FOR_WRITERS, ONE);
		goto leave;

read:		atomic {
			w = 0;
			if
			:: IN(closed, me) -> goto uncount
			:: else
			fi;
			DROP(waiting, me);
			DROP(spent, me);
			assert(!writing && !mess && !lost);
			ADD(reading, me)
		}
		DROP(reading, me);
		/* RUnlock. */
uncount:	atomic {
			drained;
			if
			:: counting -> state[has[me]]--; looked[FOR_PENDING] = 0
			:: else -> goto leave
			fi
		}
		wake(FOR_PENDING, ONE);
		goto leave;

		/* Wait. */
enter:		atomic {
			if
			:: IN(closed, me) && gate == FOR_PENDING -> goto give_up
			:: IN(closed, me) && gate != FOR_PENDING -> goto leave
			:: else -> ADD(waiting, me); phase = check
			fi
		}
announce:	atomic {
			ADD(parked, gate);
			ADD(unmoved[gate], me);
			if
			:: phase == check -> ADD(looked[gate], me)
			:: else
			fi;
			if
			:: gate == FOR_READERS -> goto count
			:: gate == FOR_WRITERS -> goto look
			:: gate == FOR_PENDING -> goto drain
			fi
		}
sleep:		atomic {
			w = 0;
			DROP(spent, me);
			if
			:: IN(closed, me) && gate == FOR_PENDING -> goto give_up
			:: IN(closed, me) && gate != FOR_PENDING -> goto leave
#ifdef CANCEL
			:: gate == FOR_PENDING -> goto give_up
#endif
			:: !IN(closed, me) && IN(unmoved[gate], me) -> ADD(asleep[gate], me)
			:: !IN(closed, me) && !IN(unmoved[gate], me)
			fi
		}
		atomic {
			if
			:: !IN(asleep[gate], me) -> phase = park
			:: IN(asleep[gate], me) && recheck -> DROP(asleep[gate], me); phase = check
			fi;
			goto announce
		}

		/* Locking fails, and whoever was woken for it wakes the next. */
hopeless:	atomic {
			DROP(waiting, me);
			w = 0;
			if
			:: IN(spent, me) -> DROP(spent, me)
			:: else -> goto leave
			fi
		}
		wake(gate, ONE);

leave:		strip(me)
	} unless { dead[me] };
	/* What ends alike is to be the same state. */
	d_step { mine = 0; w = 0; ticket = 0; reader = false; gate = 0; phase = fast; s = 0; r = 0 }
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

proctype Killer() {
	byte p, left = 1;
end:	do
	:: left -> left = 0 /* or else a kill could always end a wait */
	:: atomic {
		left && attached;
		if
		:: IN(attached, 0) -> p = 0
		:: IN(attached, 1) -> p = 1
		:: IN(attached, 2) -> p = 2
		fi;
		left--;
		accident = true;
		dead[p] = true;
		lock[has[p]] = dying;
		if
		:: INHERITED(word) && SLOT(word) == has[p] && GENERATION(word) == OF(state[has[p]]) -> lost = true
		:: else
		fi;
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

/* Closes the lock of the first process, or not. */
proctype Closer() {
	atomic {
		if
		:: IN(attached, 0)
		:: goto end
		fi;
		accident = true;
		ADD(closed, 0);
		DROP(asleep[0], 0); DROP(asleep[1], 0); DROP(asleep[2], 0);
		DROP(reading, 0);
		if
		:: writing == 1 -> writing = 0; lost = lost || INHERITED(word)
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
		state[3] = STATE(1, 0);
		lock[3] = held;
		has[2] = 3;
		attached = 7;
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
	}
}

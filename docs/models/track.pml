/*
 * The table beside a tracked semaphore, ipcsync.Semaphore with Config.Track on Linux.
 *
 * A table has a section, and for each process a count of the permits that it holds.
 * In the section a process notes the step and the semaphore's value, changes the
 * semaphore, counts, and clears the note. A process that takes the section from a dead
 * process finishes the step: it was done if the value has changed. Permits that are
 * counted for a dead process are given back.
 *
 * Which table is the semaphore's? Both have a name, and both can be removed and made
 * again at any moment. A process opens or makes the table, enters its section, opens
 * or makes the semaphore, and looks whether they belong together. If not, one of the
 * two is an old one: the process removes the table or forgets the semaphore, and
 * starts over.
 *
 * Three processes take and give back the only permit, once each. A fourth removes the
 * semaphore, and then its table. One of the three is killed, between any two steps. No
 * permit may appear or vanish, and no process may wait for ever for a permit that a
 * dead one had: that would be an invalid end state, in which the count is in a table
 * that no other process finds.
 *
 * OPEN: one of the processes doesn't make the semaphore, and gives up if there is none.
 *
 * NO_REMOVE: without the fourth process, and with two kills. Only there the steps of
 * taking and giving are apart. Elsewhere they are one: a kill between them leaves a note
 * in the table, which other processes find if they find the table.
 */

#define PROCESSES 3
#ifdef NO_REMOVE
#define SEMAPHORES 1
#define TABLES 1
#define KILLS 2
#define STEPS {
#else
#define STEPS atomic {
#define SEMAPHORES 2
#define TABLES 4 /* what more are needed are not made: the process waits */
#define KILLS 1
#endif

#define NONE 0
#define ABANDONED 7

/* The directory: what has the name. Removed ones are never named again. */
byte named_semaphore, named_table;
byte semaphores, tables; /* made so far */

/* Of each semaphore. */
byte permits[SEMAPHORES + 1];
byte taken[SEMAPHORES + 1]; /* by living processes, for checking */
byte owed[SEMAPHORES + 1];  /* by dead ones, for checking */

/* Of each table. */
mtype = { nothing, taking, giving }
byte semaphore_of[TABLES + 1];
byte section[TABLES + 1]; /* the number of its process + 1 */
bool recovered[TABLES + 1]; /* a process died in the section, and none has repaired it since */
mtype step[TABLES + 1] = nothing;
byte slot[TABLES + 1], value[TABLES + 1], held[TABLES + 1];
#define COUNT(t, p) count[(t) * PROCESSES + (p)]
byte count[(TABLES + 1) * PROCESSES];

bool dead[PROCESSES];
bool has[PROCESSES]; /* a permit was taken from which[p] for it, and not given back */
byte which[PROCESSES];

#define conserved(s) assert(permits[s] + taken[s] + owed[s] == 1)

/* A count of a dead process, or its step that is not finished. */
#define DEAD_COUNT(t, p) (dead[p] && COUNT(t, p))
#define DIED_IN(t) (section[t] && dead[section[t] - 1])
#define SOME_DEAD(t) (DEAD_COUNT(t, 0) || DEAD_COUNT(t, 1) || DEAD_COUNT(t, 2) || step[t] != nothing)

/* For p, whose count is what. */
inline note(t, s, what, p) {
	atomic { slot[t] = p; value[t] = permits[s]; held[t] = COUNT(t, p); step[t] = what }
}

/* Permits are changed by one compare and swap. */
inline give(s, p) {
	permits[s]++;
	if
	:: dead[p] -> owed[s]--
	:: else -> taken[s]--
	fi;
	has[p] = false;
	conserved(s)
}

/* One step, when may_enter. */
#define may_enter(t) (!section[t] || DIED_IN(t))
inline enter(t) {
	recovered[t] = recovered[t] || section[t];
	section[t] = me + 1
}

/* What a process does that comes into the section of a dead one. If it dies the next one
 * does it again. */
inline repair(t, s) {
	if
	:: recovered[t] ->
		if
		:: atomic { step[t] == taking && permits[s] < value[t] && COUNT(t, slot[t]) == held[t] -> COUNT(t, slot[t])++ }
		:: atomic { step[t] == giving && permits[s] > value[t] && COUNT(t, slot[t]) == held[t] -> COUNT(t, slot[t])-- }
		:: else
		fi;
		step[t] = nothing;
		recovered[t] = false
	:: else
	fi
}

inline give_back(t, s, p) {
	if
	:: DEAD_COUNT(t, p) ->
		note(t, s, giving, p);
		d_step { give(s, p) };
		COUNT(t, p)--;
		step[t] = nothing
	:: else
	fi
}

proctype Process(byte me) {
	byte t, s;
	{
		skip;
		/* Open or make the table: each is one step of the kernel's. */
again:		atomic {
			t = named_table;
			if
			:: t
			:: !t && tables < TABLES -> tables++; t = tables; named_table = t
			fi
		}
		/* Enter its section, which is taken from a dead process. */
		atomic { may_enter(t); enter(t) }
		/* Open or make the semaphore, unless it is open from before. */
		atomic {
			if
			:: s
			:: !s && named_semaphore -> s = named_semaphore
#ifdef OPEN
			:: !s && !named_semaphore && me == 0 -> goto abandon
			:: !s && !named_semaphore && me != 0 && semaphores < SEMAPHORES ->
#else
			:: !s && !named_semaphore && semaphores < SEMAPHORES ->
#endif
				semaphores++; s = semaphores; named_semaphore = s; permits[s] = 1
			fi
		}
		/* Do they belong together? */
		if /* it has its name */
		:: named_table != t -> goto start_over
		:: else
		fi;
#ifndef NO_SECOND_LOOK
		if /* and so has the semaphore */
		:: named_semaphore != s -> s = NONE; goto start_over
		:: else
		fi;
#endif
		atomic {
			if
			:: semaphore_of[t] == NONE -> semaphore_of[t] = s
			:: else
			fi
		}
		if
		:: semaphore_of[t] == s -> goto joined
		:: else
		fi;
		/* The table is another semaphore's. Its name is removed if it still leads to it:
		 * that is one step of object.Unlink. */
#ifdef BY_PATH
		named_table = NONE;
#else
		atomic {
			if
			:: named_table == t -> named_table = NONE
			:: else
			fi
		};
#endif
start_over:	atomic { section[t] = 0; t = 0; goto again }

#ifdef OPEN
		/* It made the table, or not. */
abandon:	atomic {
#ifndef BLIND_DISCARD
			if
			:: semaphore_of[t] == NONE -> semaphore_of[t] = ABANDONED
			:: else -> section[t] = 0; goto out
			fi
#endif
			section[t] = 0
		}
		atomic {
			if
			:: named_table == t -> named_table = NONE
			:: else
			fi;
			goto out
		}
#endif

joined:		repair(t, s);
		section[t] = 0;

wait:		STEPS /* takes a permit */
		atomic {
			(permits[s] || SOME_DEAD(t)) && may_enter(t);
			enter(t)
		}
		repair(t, s);
		give_back(t, s, 0);
		give_back(t, s, 1);
		give_back(t, s, 2);
#ifndef NO_NOTE
		note(t, s, taking, me);
#endif
		atomic {
			if
			:: permits[s] -> permits[s]--; taken[s]++; has[me] = true; which[me] = s; conserved(s)
			:: else -> step[t] = nothing; section[t] = 0; goto wait
			fi
		}
		COUNT(t, me)++;
		step[t] = nothing;
		section[t] = 0
		};

		STEPS /* gives it back */
		atomic { may_enter(t); enter(t) }
		repair(t, s);
		note(t, s, giving, me);
		d_step { give(s, me) };
		COUNT(t, me)--;
		step[t] = nothing;
		section[t] = 0
		};
out:		skip
	} unless { dead[me] };
	d_step { t = 0; s = 0 } /* what ends alike is to be the same state */
}

/* Removes the semaphore, then its table if no semaphore with the name has it. */
proctype Remover() {
	byte t, s, named;
	named_semaphore = NONE;
#ifdef BLIND_REMOVE
	named_table = NONE;
#else
	t = named_table;
	if
	:: t ->
#ifdef EARLY_LOOK
		named = named_semaphore;
#endif
		atomic {
			if
			:: semaphore_of[t] == NONE -> semaphore_of[t] = ABANDONED
			:: else
			fi;
			s = semaphore_of[t]
		};
#ifndef EARLY_LOOK
		named = named_semaphore;
#endif
		atomic {
			if
			:: s != named && named_table == t -> named_table = NONE
			:: else
			fi
		}
	:: else
	fi;
#endif
	d_step { t = 0; s = 0; named = 0 }
}

inline kill(p) {
	atomic {
		!dead[p] && left ->
		left--;
		dead[p] = true;
		if
		:: has[p] -> taken[which[p]]--; owed[which[p]]++
		:: else
		fi
	}
}

/* Processes that are alike needn't all be killed in turn: with other numbers it is the
 * same. */
proctype Killer() {
	byte left = KILLS;
	do
	:: kill(0)
#ifdef OPEN
	:: kill(1)
#else
	:: atomic { dead[0] && left && !dead[1] -> kill(1) }
#endif
	:: left -> left = 0
	:: !left -> break
	od
}

init {
	atomic {
		run Process(0);
		run Process(1);
		run Process(2);
#ifndef NO_REMOVE
		run Remover();
#endif
		run Killer();
	}
}

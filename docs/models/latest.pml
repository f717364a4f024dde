/*
 * A value that is replaced while others read it, shm.Latest.
 *
 * A writer fills slots and publishes versions; a reader copies. The writer may die
 * between any two steps, and the next one goes on from what was published. A value
 * has two words. Memory is not sequentially consistent: the writer's stores go
 * through a buffer, which drains them in any order but for stores to the same word
 * and what barriers forbid.
 *
 * A reader that takes a copy for good has one whole value, and the right one.
 */

#define SLOTS 4
#define LAST 7 /* versions that are stored */
/* How far published may have moved during a copy. */
#ifdef WIDE_LIMIT
#define LIMIT 3
#else
#define LIMIT 2
#endif

#define PUBLISHED 0
#define WORD(version, i) (1 + 2 * ((version) % SLOTS) + (i))

byte memory[1 + 2 * SLOTS];

/* The store buffer, oldest first. */
#define ROOM 4
byte at[ROOM], value[ROOM], used;

inline push(a, v)
{
	atomic {
		used < ROOM;
		at[used] = a;
		value[used] = v;
		used++
	}
}

/* Entry i may go to memory if no older one is to the same word and, for a
 * release, if none is older. */
proctype drain()
{
	byte i, j;
	bool free;
end:
	do
	:: atomic {
		used > 0;
		i = 0;
		do
		:: i + 1 < used -> i++
		:: break
		od;
		free = true;
		j = 0;
		do
		:: j < i ->
			if
			:: at[j] == at[i] -> free = false
#ifndef NO_RELEASE
			:: at[j] != at[i] && at[i] == PUBLISHED -> free = false
			:: at[j] != at[i] && at[i] != PUBLISHED -> skip
#else
			:: else -> skip
#endif
			fi;
			j++
		:: else -> break
		od;
		if
		:: free ->
			memory[at[i]] = value[i];
			used--;
			do
			:: i < used ->
				at[i] = at[i + 1];
				value[i] = value[i + 1];
				i++
			:: else -> break
			od;
			at[used] = 0;
			value[used] = 0
		:: else -> skip
		fi;
		i = 0;
		j = 0;
		free = false
	   }
	od
}

bool published_pending;

inline pending()
{
	/* whether a store to published is still in the buffer */
	d_step {
		published_pending = false;
		k = 0;
		do
		:: k < used ->
			if
			:: at[k] == PUBLISHED -> published_pending = true
			:: else -> skip
			fi;
			k++
		:: else -> break
		od;
		k = 0
	}
}

proctype writer()
{
	byte last, k;
	do
	:: last < LAST ->
#ifndef NO_BARRIER
		do
		:: pending();
			if
			:: !published_pending -> break
			:: else -> skip
			fi
		od;
#endif
		/* The words of a value are stored in any order. */
		if
		:: push(WORD(last + 1, 0), last + 1); push(WORD(last + 1, 1), last + 1)
		:: push(WORD(last + 1, 1), last + 1); push(WORD(last + 1, 0), last + 1)
		:: push(WORD(last + 1, 0), last + 1); goto dead
		fi;
		if
		:: push(PUBLISHED, last + 1); last++
		:: goto dead
		fi
	:: last < LAST -> goto dead
	:: last == LAST -> break
	od;
	goto done;
dead:	/* What a dead process stored reaches memory before its locks fall. */
	used == 0;
	last = memory[PUBLISHED];
	run writer2(last);
done:	skip
}

/* The next writer, which doesn't die. */
proctype writer2(byte last)
{
	byte k;
	do
	:: last < LAST ->
#ifndef NO_BARRIER
		do
		:: pending();
			if
			:: !published_pending -> break
			:: else -> skip
			fi
		od;
#endif
		push(WORD(last + 1, 0), last + 1);
		push(WORD(last + 1, 1), last + 1);
		push(PUBLISHED, last + 1);
		last++
	:: else -> break
	od
}

proctype reader()
{
	byte first, a, b, second, tries;
	do
	:: tries < 2 ->
		tries++;
		first = memory[PUBLISHED];
		if
		:: first == 0 -> skip
		:: else ->
			if
			:: a = memory[WORD(first, 0)]; b = memory[WORD(first, 1)]
			:: b = memory[WORD(first, 1)]; a = memory[WORD(first, 0)]
			fi;
			second = memory[PUBLISHED];
			if
			:: second - first <= LIMIT -> assert(a == first && b == first)
			:: else -> skip
			fi
		fi
	:: else -> break
	od
}

init {
	atomic {
		run drain();
		run writer();
		run reader()
	}
}

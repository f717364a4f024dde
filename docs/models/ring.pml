/* package ring, many senders and one receiver, messages of one or two cells: the word at
 * the tail is the reservation. A sender changes it from empty to "writing" by a
 * compare-and-swap, clears the word after its record, moves the tail, fills the record
 * and commits it. What a dead sender has begun another process makes a record to be
 * skipped. The receiver looks at the word where the next record will be.
 *
 *	spin -search ring.pml               finds nothing
 *	spin -search -DKILL ring.pml        processes are killed at any step; finds nothing
 *	spin -search -DNO_CLEAR ring.pml    finds a part of a message taken for a record
 *
 * Here a WRITING cell has its position. In the ring its word has none: which record it is
 * of follows from the cursor, which core.eachReserved and core.endIfDead read before and
 * after. The model doesn't show that.
 *
 * Stores are seen in their order, as on amd64, and by release stores elsewhere. Waiting at
 * a gate is in ringwait.pml.
 */
#define CELLS 4
#define SENDERS 2
#define MESSAGES 3 /* of each sender */

mtype = { EMPTY, WRITING, READY, SKIP, PART };

typedef cell {
	mtype state; /* PART: of a message; it may look like anything */
	byte pos;
	byte size;
	byte by
};

cell ring[CELLS];
byte tail, cursor;
bool dead[3];      /* senders, and then the receiver's first life */
byte gone;         /* senders that have ended or died */
byte kills;
byte sent, received;
bool lock; byte holder; /* of the section where records of the dead are ended */

#define AT(p) ring[(p) % CELLS]

#ifdef KILL
#define MAYDIE(me) \
	if \
	:: atomic { kills < 1 && me < SENDERS -> kills++; dead[me] = true; gone++; goto over } \
	:: skip \
	fi
#else
#define MAYDIE(me) skip
#endif

/* endRecord: the record at a position, whose sender is dead. */
inline endRecord(me, p)
{
#ifndef NO_LOCK
	atomic { (!lock || (holder < SENDERS && dead[holder])) -> lock = true; holder = me };
#endif
	if
	:: atomic { AT(p).state == WRITING && AT(p).pos == p && dead[AT(p).by] -> n = AT(p).size };
		if
		:: tail == p ->
			MAYDIE(me);
			d_step { AT(p + n).state = EMPTY; AT(p + n).pos = p + n };
			MAYDIE(me);
			tail = p + n
		:: else -> skip
		fi;
		MAYDIE(me);
		atomic {
			if
			:: AT(p).state == WRITING && AT(p).pos == p -> AT(p).state = SKIP
			:: else -> skip
			fi
		}
	:: else -> skip
	fi;
#ifndef NO_LOCK
	atomic { if :: holder == me -> lock = false :: else -> skip fi }
#endif
}

proctype sender(byte me)
{
	byte t, n, size, left = MESSAGES;
	do
	:: left == 0 -> break
	:: left > 0 ->
		size = 1 + (left + me) % 2;
again:
		t = tail;
		if
		:: AT(t).state == EMPTY && AT(t).pos == t -> skip
#ifdef KILL
		:: AT(t).state == WRITING && dead[AT(t).by] -> endRecord(me, t); goto again
#endif
		:: else -> /* until the tail moves, or its sender dies */
			tail != t || AT(t).state == EMPTY || (AT(t).state == WRITING && dead[AT(t).by]);
			goto again
		fi;
#ifdef NO_FREE_CELL
		if :: t + size - cursor <= CELLS -> skip
		:: else -> tail != t || t + size - cursor <= CELLS; goto again fi;
#else
		if :: t + size + 1 - cursor <= CELLS -> skip
		:: else -> tail != t || t + size + 1 - cursor <= CELLS; goto again
		fi;
#endif
		atomic {
			if
#ifdef BLIND
			:: AT(t).state == EMPTY -> /* whatever its position is */
#else
			:: AT(t).state == EMPTY && AT(t).pos == t ->
#endif
				AT(t).state = WRITING; AT(t).pos = t; AT(t).size = size; AT(t).by = me
			:: else -> goto again
			fi
		};
		MAYDIE(me);
#ifdef TAIL_FIRST
		tail = t + size;
		MAYDIE(me);
#endif
#ifndef NO_CLEAR
		d_step { AT(t + size).state = EMPTY; AT(t + size).pos = t + size };
#endif
		MAYDIE(me);
#ifndef TAIL_FIRST
		tail = t + size;
#endif
		MAYDIE(me);
		if
		:: size == 2 -> AT(t + 1).state = PART
		:: else -> skip
		fi;
		MAYDIE(me);
		d_step {
			assert(AT(t).state == WRITING && AT(t).by == me && AT(t).pos == t);
			AT(t).state = READY;
			sent++
		};
		MAYDIE(me);
		left--
	od;
	gone++;
over:
	skip
}

proctype receiver()
{
	byte next, n;
	do
	:: AT(next).state == PART -> assert(false) /* taken for a record */
	:: atomic { AT(next).state == READY && AT(next).pos == next ->
		n = AT(next).size; received++ };
		next = next + n;
		cursor = next
	:: atomic { AT(next).state == SKIP && AT(next).pos == next -> n = AT(next).size };
		next = next + n;
		cursor = next
#ifdef KILL
#ifndef NO_RECOVERY
	:: AT(next).state == WRITING && AT(next).pos == next && dead[AT(next).by] ->
		endRecord(SENDERS, next)
#endif
#endif
	:: gone == SENDERS && tail == next && AT(next).state == EMPTY && AT(next).pos == next -> break
	od;
	assert(sent == received);
over:
	skip
}

init {
	atomic {
		byte i = 0;
		do
		:: i < CELLS -> ring[i].state = PART; i++
		:: else -> break
		od;
		AT(0).state = EMPTY;
		run sender(0);
		run sender(1);
		run receiver()
	}
}

/* A direction of a shmnet connection: the writer publishes bytes and rings at a parked
 * reader, the reader frees them and rings at a parked writer; the writer ends and closes,
 * or is killed. Positions go through store buffers where NO_FENCE says so.
 *
 * A bell is a byte on the socket; the end of the socket wakes both, too. The reader must
 * find all bytes and the end if the writer closed, and what was published if it was
 * killed. None may sleep for ever (an invalid end state). With CLOSE another goroutine of
 * the writer's process closes at any moment: the reader must find exactly the bytes that
 * the writer says it has written.
 */
#define SIZE 1  /* bytes that the ring holds */
#define TOTAL 3 /* bytes that are written */

byte written; /* as the reader sees it */
byte pending; /* in the writer's buffer; 0: nothing is */
bool ended;
byte read;
bool readerParked, roomWanted;
byte data, space; /* bells on the socket */
bool gone;        /* the writer's socket has closed */
bool killed;
bool closed;      /* what the writer's process knows of CLOSE */
byte reported;    /* how much the writer says, once it has finished */
bool finished;

proctype drain()
{
end:
	do
	:: atomic { pending != 0 -> written = pending; pending = 0 }
	od
}

inline ringReader()
{
	if
	:: readerParked ->
		bool was;
		atomic { was = readerParked; readerParked = false };
		if
		:: was -> data++
		:: else -> skip
		fi
	:: else -> skip
	fi
}

#ifdef CLOSE
proctype closer()
{
	ended = true;
	closed = true;
	gone = true
}
#endif

proctype writer()
{
	byte pos;
	byte seen;
	bool refused;
	do
	:: pos < TOTAL && !closed ->
		do
		:: closed -> break
		:: pos - seen < SIZE -> break
		:: else ->
			seen = read;
			if
			:: pos - seen < SIZE -> break
			:: else -> skip
			fi;
			roomWanted = true;
#ifndef LOOK_FIRST
			if
			:: read != seen -> skip
			:: else ->
				if
				:: atomic { space > 0 -> space-- }
				:: closed
				fi
			fi;
#else
			atomic { space > 0 -> space-- };
#endif
			roomWanted = false
		od;
		if
		:: closed -> break
		:: else -> skip
		fi;
#ifdef NO_FENCE
		pos++;
		atomic { pending == 0 -> pending = pos };
#elif defined(BLIND_PUBLISH)
		pos++;
		written = pos;
#else
		atomic {
			if
			:: ended -> refused = true
			:: else -> pos++; written = pos
			fi
		};
#endif
		if
		:: refused -> break
		:: else -> skip
		fi;
		ringReader()
#ifdef KILL
	:: killed = true; break
#endif
	:: else -> break
	od;
	reported = pos;
	finished = true;
#ifndef CLOSE
#ifdef CLOSE_FIRST
	gone = true;
#endif
	if
	:: killed -> skip
	:: else ->
		ended = true;
#ifdef HALF
		/* CloseWrite: the socket stays open. */
#ifndef NO_END_BELL
		ringReader()
#endif
#endif
	fi;
	pending == 0; /* what is in the buffer of a processor survives its process */
#ifdef HALF
	if
	:: killed -> gone = true
	:: else -> skip
	fi
#else
	gone = true
#endif
#endif
}

proctype reader()
{
	byte pos, now;
	bool last, left;
	do
	:: true ->
#ifndef GONE_LAST
		left = gone;
#endif
		atomic { now = written; last = ended };
#ifdef GONE_LAST
		left = gone;
#endif
		if
		:: now > pos ->
			pos++;
			read = pos;
			if
			:: roomWanted ->
				bool was;
				atomic { was = roomWanted; roomWanted = false };
				if
				:: was -> space++
				:: else -> skip
				fi
			:: else -> skip
			fi
		:: now == pos && last ->
#ifdef CLOSE
			finished;
			assert(pos == reported);
#else
			assert(pos == TOTAL);
#endif
			break
		:: now == pos && !last && left ->
			assert(killed);      /* a close is no death */
			assert(pos == written); /* and nothing published is lost */
			break
		:: else ->
			readerParked = true;
			if
			:: written != pos || ended -> skip
			:: else ->
				if
				:: atomic { data > 0 -> data-- }
				:: gone
				fi
			fi;
			readerParked = false
		fi
	od
}

init {
	atomic {
		run writer(); run reader(); run drain();
#ifdef CLOSE
		run closer()
#endif
	}
}

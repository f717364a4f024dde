/* The two sides of a shmnet connection wait at one socket: the first is the listener,
 * which passes on bells for the other and leaves the socket to it. Each side is to hear
 * one bell, or is interrupted (a deadline, Close). None may sleep for ever. */

bool listening;     /* a side is the listener */
byte who;           /* which */
bool news[2];
bool asleep[2];
bool bell[2];       /* on the socket, for each side */
bool interruption;  /* of the listener's wait in the poller */
bool heard[2];      /* what the side waits for has happened */
bool deadline;      /* of side 0 */

inline notify(s)
{
	news[s] = true;
	if
	:: listening && who == s -> interruption = true
	:: else -> skip
	fi
}

proctype peer()
{
	/* In either order. */
	if
	:: heard[0] = true; bell[0] = true; heard[1] = true; bell[1] = true
	:: heard[1] = true; bell[1] = true; heard[0] = true; bell[0] = true
#ifdef INTERRUPT
	:: deadline = true; notify(0); heard[1] = true; bell[1] = true
	:: heard[1] = true; bell[1] = true; deadline = true; notify(0)
#endif
	fi
}

proctype side(byte me)
{
	byte other = 1 - me;
	bool mine;
	do
	:: heard[me] || (me == 0 && deadline) -> break
	:: else ->
		/* it has announced itself and found nothing */
		asleep[me] = true;
		mine = false;
		atomic {
			if
			:: !listening -> listening = true; who = me; mine = true
			:: else -> skip
			fi
		};
		if
		:: !mine -> atomic { news[me] -> news[me] = false }
		:: mine ->
#ifndef NO_NEWS_LOOK
			if
			:: atomic { news[me] -> news[me] = false }
			:: else ->
#else
			if
			:: true ->
#endif
				if
				:: atomic { interruption -> interruption = false }
				:: atomic { bell[me] -> bell[me] = false }
				:: atomic { bell[other] -> bell[other] = false };
#ifdef WAKE_ASLEEP
					if
					:: asleep[other] -> notify(other)
					:: else -> skip
					fi
#else
					notify(other)
#endif
				fi
			fi;
			listening = false;
#ifndef NO_HANDOVER
			if
			:: asleep[other] -> notify(other)
			:: else -> skip
			fi
#endif
		fi;
		asleep[me] = false
	od
}

init {
	atomic { run peer(); run side(0); run side(1) }
}

package ring

import "github.com/breezeway-ipc/breezeway/internal/killpoint"

// lookAndHold is look where the sender may overwrite what isn't held. It marks the record
// as held, and looks then whether the sender has said meanwhile that it overwrites it:
// see extendBroadcast. The sender in turn says that before it looks for holders.
func (k *consumer) lookAndHold() (bool, error) {
	l := k.line
	for range k.c.made.Cells + 1 {
		cursor := l.cursor.Load()
		if cursor&isGone != 0 {
			return false, ErrDisconnected
		}
		if pos, number := k.c.oldestRecord(); int64(pos-k.next) > 0 || cursor>>cursorShift != k.next {
			if !l.cursor.CompareAndSwap(cursor, pos<<cursorShift) {
				continue
			}
			k.skipped += number - k.number
			l.skipped.Store(k.skipped)
			k.moveTo(pos)
			k.number = number
			continue
		}
		w := k.load(k.next)
		if !w.isAt(k.next) || w.state() == empty {
			if err := k.c.checkRemoved(); err == nil || k.load(k.next) == w {
				return false, err
			}
			continue // it was sent before the ring was removed
		}
		n, err := k.c.length(w)
		if err != nil {
			if k.c.h.oldest.Load() != k.next { // overwritten meanwhile
				continue
			}
			return false, err
		}
		if w.state() == skip {
			if l.cursor.CompareAndSwap(cursor, (k.next+n)<<cursorShift) {
				k.moveTo(k.next + n)
			}
			continue
		}
		l.taken.Store(k.next + n)
		if !l.cursor.CompareAndSwap(cursor, cursor|isHeld) {
			continue
		}
		killpoint.Here("ring held")
		if int64(k.c.h.oldest.Load()-k.next) <= 0 && k.load(k.next) == w {
			k.found = w
			return true, nil
		}
		k.unhold(k.next)
	}
	return false, nil // the sender is that much faster
}

// unhold says that the records before pos are not read any more.
func (k *consumer) unhold(pos uint64) {
	l := k.line
	for {
		cursor := l.cursor.Load()
		if l.cursor.CompareAndSwap(cursor, pos<<cursorShift|cursor&isGone) {
			break
		}
	}
	killpoint.Here("ring released")
	k.c.wakeSenders()
}

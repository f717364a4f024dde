// Package bench compares two ways of doing the same thing between processes:
// a mechanism and the baseline that it is held against. [Compare] runs them by
// turns, in windows of a few milliseconds, and returns figures of both and
// their ratio. [AtLimit] holds one against what the machine can do at best.
//
// # What is measured
//
//   - The ratio is the time of an operation of the subject divided by that of
//     the baseline, so 1.10 means 10 % slower. It is taken within each pair of
//     neighbouring windows, and the median of the pairs is the result: a machine
//     that is slow for a second is slow for both. The quartiles show how noisy
//     the machine was.
//   - Time per operation is a window's time divided by its operations. Its
//     minimum, over the windows, is the figure that other load disturbs least.
//   - Latencies are those of single operations, one after the other, each begun
//     when the one before was complete. Where reading the clock would cost more
//     than about a hundredth of an operation only every k-th is timed.
//   - CPU time is user and system time of this process and, where the system
//     tells, of the peer, during the windows.
//
// # What is not measured
//
//   - Setting up: connections are made before, and kept over the whole run.
//   - Waking up what slept during the other's window: each window begins with
//     some operations that are not counted.
//   - Queueing: a next operation waits for the one before, so a stall shows once
//     in the latencies however long it lasts.
//
// # Caveats
//
// The peer must be another process, and payload must be touched at both ends:
// otherwise the figures are those of something else. [RoundTrip], [OneWay] and
// [Serve] do so for connections; [Fill] and [Check] serve everything else.
package bench

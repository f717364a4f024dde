// Package ipcsync lets processes take turns: semaphores, locks and events that are
// found by name.
package ipcsync

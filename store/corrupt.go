package store

import "fmt"

// CorruptError says which entry can't be read or trusted. It is an ErrCorrupt.
type CorruptError struct {
	List ListID
	Prio uint8
	// ID is the entry, or 0 when what is damaged hides which one it is: then more than one
	// may be.
	ID  ID
	Err error // what is wrong
}

// Error implements error.
func (e *CorruptError) Error() string {
	if e.ID == 0 {
		return fmt.Sprintf("list %d, priority %d: %v", e.List, e.Prio, e.Err)
	}
	return fmt.Sprintf("list %d, priority %d, message %d: %v", e.List, e.Prio, e.ID, e.Err)
}

// Unwrap returns ErrCorrupt beside the cause.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Err} }

// Ref names the entry, for Quarantiner.
func (e *CorruptError) Ref() Ref { return Ref{ID: e.ID, List: e.List, Prio: e.Prio} }

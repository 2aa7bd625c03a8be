package security

// Operation is what a client wants to do with a destination.
type Operation uint8

// The operations. Admin and Remove need the same right; they differ in the words of the refusal.
const (
	Read   Operation = iota // consume from it, browse it
	Write                   // send to it
	Admin                   // create it; not needed for one that exists
	Remove                  // delete it
	operations
)

// rights is the number of separate rights: read, write, admin.
const rights = 3

// right returns the index of the right that o needs.
func (o Operation) right() int {
	if o == Remove {
		return int(Admin)
	}
	return int(o)
}

// String returns the words that ActiveMQ uses in its refusals.
func (o Operation) String() string {
	switch o {
	case Read:
		return "read from"
	case Write:
		return "write to"
	case Admin:
		return "create"
	case Remove:
		return "remove"
	default:
		return "use"
	}
}

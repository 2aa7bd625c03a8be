package transform

// Limits bounds the work for one body. Zero means no limit.
type Limits struct {
	Size     int // octets of text to decode
	Depth    int // elements within elements: an entry's value is at 3, a list's at 4
	Elements int // elements in all, values and entries, either way
}

// DefaultLimits returns limits that leave room for any sane map: 16 MiB, 64 levels, 200,000
// elements.
func DefaultLimits() Limits { return Limits{Size: 16 << 20, Depth: 64, Elements: 200_000} }

// budget counts what is left of the limits during one transformation.
type budget struct {
	depth, elements   int
	maxDepth, maximum int
}

func newBudget(l Limits) budget { return budget{maxDepth: l.Depth, maximum: l.Elements} }

// enter accounts for one element; leave is called at its end.
func (b *budget) enter() error {
	b.depth++
	b.elements++
	if b.maxDepth > 0 && b.depth > b.maxDepth {
		return tooDeep()
	}
	if b.maximum > 0 && b.elements > b.maximum {
		return &Error{Text: "The body has too many elements"}
	}
	return nil
}

func (b *budget) leave() { b.depth-- }

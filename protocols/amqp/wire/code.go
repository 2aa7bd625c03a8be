package wire

// The format codes of constructors (AMQP 1.6). The high nibble says how wide the data is.
const (
	Described  = 0x00 // a descriptor and a value follow
	Null       = 0x40
	True       = 0x41
	False      = 0x42
	Uint0      = 0x43
	Ulong0     = 0x44
	List0      = 0x45
	Ubyte      = 0x50
	Byte       = 0x51
	SmallUint  = 0x52
	SmallUlong = 0x53
	SmallInt   = 0x54
	SmallLong  = 0x55
	Boolean    = 0x56
	Ushort     = 0x60
	Short      = 0x61
	Uint       = 0x70
	Int        = 0x71
	Float      = 0x72
	Char       = 0x73
	Decimal32  = 0x74
	Ulong      = 0x80
	Long       = 0x81
	Double     = 0x82
	Timestamp  = 0x83
	Decimal64  = 0x84
	Decimal128 = 0x94
	UUID       = 0x98
	Binary8    = 0xa0
	String8    = 0xa1
	Symbol8    = 0xa3
	Binary32   = 0xb0
	String32   = 0xb1
	Symbol32   = 0xb3
	List8      = 0xc0
	Map8       = 0xc1
	List32     = 0xd0
	Map32      = 0xd1
	Array8     = 0xe0
	Array32    = 0xf0
)

// MaxDepth bounds the nesting of compounds, arrays and descriptors.
const MaxDepth = 32

// MaxEmpty bounds the elements of an array whose elements take no bytes: any number of them fits
// into ten.
const MaxEmpty = 1 << 16

// width returns the number of bytes of data of a fixed-width code, or -1.
func width(code byte) int {
	switch code >> 4 {
	case 0x4:
		return 0
	case 0x5:
		return 1
	case 0x6:
		return 2
	case 0x7:
		return 4
	case 0x8:
		return 8
	case 0x9:
		return 16
	}
	return -1
}

// known reports whether the standard defines a code.
func known(code byte) bool {
	switch code {
	case Null, True, False, Uint0, Ulong0, List0, Ubyte, Byte, SmallUint, SmallUlong, SmallInt, SmallLong, Boolean,
		Ushort, Short, Uint, Int, Float, Char, Decimal32, Ulong, Long, Double, Timestamp, Decimal64, Decimal128, UUID,
		Binary8, String8, Symbol8, Binary32, String32, Symbol32, List8, Map8, List32, Map32, Array8, Array32:
		return true
	}
	return false
}

package wire

import "math"

// Options are what one side offers in its WireFormatInfo. Durations are in milliseconds.
type Options struct {
	Version              int32
	Tight                bool
	Cache                bool
	CacheSize            int32
	StackTrace           bool
	TCPNoDelay           bool
	SizePrefixDisabled   bool
	MaxInactivity        int64 // silence after which the peer is dead; 0: it may be silent
	MaxInactivityInitial int64 // until the first look at that
	MaxFrameSize         int64
	Host                 string
	ProviderName         string
	ProviderVersion      string
	Platform             string
}

// MaxVersion is the highest version of the wire format.
const MaxVersion = 12

// defaultCacheSize is what both sides use when neither says a size.
const defaultCacheSize = 16383

// Default returns the options that ActiveMQ offers by default.
func Default() Options {
	return Options{
		Version: MaxVersion, Tight: true, Cache: true, CacheSize: 1024, StackTrace: true, TCPNoDelay: true,
		MaxInactivity: 30000, MaxInactivityInitial: 10000, MaxFrameSize: math.MaxInt64,
		ProviderName: "ActiveMQ", ProviderVersion: "5.17.2", Platform: "Java",
	}
}

// Format is what two sides agreed on.
type Format struct {
	Version              int32
	Tight                bool
	CacheSize            int // 0: there is no cache
	StackTrace           bool
	MaxInactivity        int64
	MaxInactivityInitial int64
	MaxFrameSize         int64
}

// Info returns the options as a command.
func (o *Options) Info() *WireFormatInfo {
	p := newProperties()
	p.bool("StackTraceEnabled", o.StackTrace)
	p.text("PlatformDetails", o.Platform)
	p.bool("CacheEnabled", o.Cache)
	p.text("Host", o.Host)
	p.bool("TcpNoDelayEnabled", o.TCPNoDelay)
	p.bool("SizePrefixDisabled", o.SizePrefixDisabled)
	p.int("CacheSize", o.CacheSize)
	p.text("ProviderName", o.ProviderName)
	p.bool("TightEncodingEnabled", o.Tight)
	p.long("MaxFrameSize", o.MaxFrameSize)
	p.long("MaxInactivityDuration", o.MaxInactivity)
	p.long("MaxInactivityDurationInitalDelay", o.MaxInactivityInitial)
	p.bool("MaxFrameSizeEnabled", true)
	p.text("ProviderVersion", o.ProviderVersion)
	return &WireFormatInfo{Version: o.Version, MarshalledProperties: p.done()}
}

// Bounds of the properties of a WireFormatInfo.
const (
	maxInfoEntries = 64
	maxInfoValue   = 512
)

// Options reads the options of a peer. Fields that it does not name are zero.
func (i *WireFormatInfo) Options() (Options, error) {
	o := Options{Version: i.Version}
	it := MapIterator(i.MarshalledProperties)
	if it.Len() > maxInfoEntries {
		return o, &Error{"The WireFormatInfo has too many properties"}
	}
	for it.Next() {
		v := it.Value
		if v.Kind == MapValue || v.Kind == ListValue || len(v.Bytes) > maxInfoValue {
			return o, &Error{"A property of the WireFormatInfo is not of the kinds that it may have"}
		}
		on := v.Kind == BoolValue && v.Num != 0
		switch string(it.Key) {
		case "StackTraceEnabled":
			o.StackTrace = on
		case "PlatformDetails":
			o.Platform = Text(v.Bytes).String()
		case "CacheEnabled":
			o.Cache = on
		case "Host":
			o.Host = Text(v.Bytes).String()
		case "TcpNoDelayEnabled":
			o.TCPNoDelay = on
		case "SizePrefixDisabled":
			o.SizePrefixDisabled = on
		case "CacheSize":
			o.CacheSize = int32(v.Int())
		case "ProviderName":
			o.ProviderName = Text(v.Bytes).String()
		case "TightEncodingEnabled":
			o.Tight = on
		case "MaxFrameSize":
			o.MaxFrameSize = v.Int()
		case "MaxInactivityDuration":
			o.MaxInactivity = v.Int()
		case "MaxInactivityDurationInitalDelay":
			o.MaxInactivityInitial = v.Int()
		case "ProviderVersion":
			o.ProviderVersion = Text(v.Bytes).String()
		}
	}
	return o, it.Err()
}

// Negotiate returns what two sides agree on.
func Negotiate(a, b Options) (Format, error) {
	f := Format{
		Version:              min(a.Version, b.Version),
		Tight:                a.Tight && b.Tight,
		StackTrace:           a.StackTrace && b.StackTrace,
		MaxInactivity:        max(min(a.MaxInactivity, b.MaxInactivity), 0),
		MaxInactivityInitial: max(min(a.MaxInactivityInitial, b.MaxInactivityInitial), 0),
		MaxFrameSize:         lessPositive(a.MaxFrameSize, b.MaxFrameSize),
	}
	if f.Version < 1 {
		return f, ErrNegotiation
	}
	if a.Cache && b.Cache {
		size := min(a.CacheSize, b.CacheSize)
		if size <= 0 {
			size = defaultCacheSize
		}
		f.CacheSize = int(min(size, defaultCacheSize))
	}
	return f, nil
}

// UsableCache reports whether a peer's cache is of a size that can work: ActiveMQ's own writer
// keeps slots free, and never returns when there are fewer than those.
func (o *Options) UsableCache() bool { return o.CacheSize <= 0 || o.CacheSize > freeSlots }

// lessPositive returns the lesser of those above 0.
func lessPositive(a, b int64) int64 {
	switch {
	case a <= 0 && b <= 0:
		return math.MaxInt32
	case a <= 0:
		return b
	case b <= 0:
		return a
	}
	return min(a, b)
}

// Package proxyproto reads the header of HAProxy's PROXY protocol, versions 1 and 2, with which
// a load balancer passes on who its client is. Section numbers are those of the specification of
// 2020. It is pure: bytes in, addresses out.
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// MaxParse is the number of bytes from which Parse always comes to an answer.
const MaxParse = 16 + 216

// maxV1 is the length of the longest header of version 1, its line end included (2.1).
const maxV1 = 107

// ErrNone says that the bytes do not begin with a header.
var ErrNone = errors.New("no PROXY protocol header")

// Header is what a header says.
type Header struct {
	// Source and Destination are the ends of the client's connection. They are not valid where
	// the header does not tell: a health check of the load balancer itself, or a kind of
	// address that is not IP.
	Source, Destination netip.AddrPort

	// Size is the length of the whole header in bytes, which may be more than Parse was given;
	// what follows it belongs to the client.
	Size int
}

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// Parse reads a header from the first bytes of a connection. ok is false if more bytes are
// needed. The error is ErrNone if this is no header, and something else if it is a wrong one.
func Parse(b []byte) (h Header, ok bool, err error) {
	switch {
	case begins(b, signature2):
		return parse2(b)
	case begins(b, signature1):
		return parse1(b)
	default:
		return Header{}, false, ErrNone
	}
}

// begins reports whether b begins with s, as far as there is any b.
func begins(b []byte, s string) bool {
	n := min(len(b), len(s))
	return string(b[:n]) == s[:n]
}

// parse1 reads version 1, a line of text (2.1).
func parse1(b []byte) (h Header, ok bool, err error) {
	if len(b) > maxV1 {
		b = b[:maxV1]
	}
	end := bytes.IndexByte(b, '\n')
	switch {
	case end < 0 && len(b) < maxV1:
		return Header{}, false, nil
	case end < 0:
		return Header{}, false, errors.New("the PROXY protocol header has no end")
	case b[end-1] != '\r':
		return Header{}, false, errors.New("the PROXY protocol header does not end with CR LF")
	}
	h.Size = end + 1
	line := string(b[len(signature1) : end-1])
	if line == "UNKNOWN" || strings.HasPrefix(line, "UNKNOWN ") {
		return h, true, nil
	}
	fields := strings.Split(line, " ")
	if len(fields) != 5 || fields[0] != "TCP4" && fields[0] != "TCP6" {
		return Header{}, false, errors.New("the PROXY protocol header is not of the form: TCP4 or TCP6, two addresses, two ports")
	}
	if h.Source, err = addrPort(fields[0], fields[1], fields[3]); err != nil {
		return Header{}, false, err
	}
	h.Destination, err = addrPort(fields[0], fields[2], fields[4])
	if err != nil {
		return Header{}, false, err
	}
	return h, true, nil
}

// addrPort reads an address and a port in their only spelling.
func addrPort(family, address, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, fmt.Errorf("the PROXY protocol header has an address that is not of %s", family)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(p, 10) != port {
		return netip.AddrPort{}, errors.New("the PROXY protocol header has a port that is none")
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), nil
}

// parse2 reads version 2: 16 fixed bytes, addresses, and extensions, which are left out (2.2).
func parse2(b []byte) (h Header, ok bool, err error) {
	if len(b) < 16 {
		return Header{}, false, nil
	}
	version, command, family := b[12]>>4, b[12]&0xf, b[13]
	length := int(binary.BigEndian.Uint16(b[14:]))
	h.Size = 16 + length
	switch {
	case version != 2:
		return Header{}, false, fmt.Errorf("the PROXY protocol header is of version %d", version)
	case command == 0: // LOCAL: the addresses, if any, mean nothing
		return h, true, nil
	case command != 1:
		return Header{}, false, fmt.Errorf("the PROXY protocol header has command %d, which is unknown", command)
	}
	var width int // of one address
	switch family {
	case 0x11: // TCP over IPv4
		width = 4
	case 0x21: // TCP over IPv6
		width = 16
	case 0x00, 0x31: // unspecified, Unix stream socket
		return h, true, nil
	default:
		return Header{}, false, fmt.Errorf("the PROXY protocol header is about family %#02x, not about a stream", family)
	}
	need := 2*width + 4
	if length < need {
		return Header{}, false, fmt.Errorf("the PROXY protocol header has %d bytes of addresses instead of %d", length, need)
	}
	if b = b[16:]; len(b) < need {
		return Header{}, false, nil
	}
	h.Source = endpoint(b[:width], b[2*width:])
	h.Destination = endpoint(b[width:2*width], b[2*width+2:])
	return h, true, nil
}

// endpoint reads an address of 4 or 16 bytes and a port.
func endpoint(address, port []byte) netip.AddrPort {
	a, _ := netip.AddrFromSlice(address)
	return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(port))
}

package frame

import "strconv"

// A frame is appended in this order: AppendCommand, any number of AppendHeader,
// then AppendBody, or AppendEnd and the body by other means and AppendTail.

// AppendCommand appends the command line.
func AppendCommand(dst []byte, c Command) []byte {
	dst = append(dst, commands[c]...)
	return append(dst, '\n')
}

// AppendHeader appends a header line. Name and value are escaped by the rules of the version;
// for CONNECTED, and for an ERROR before the version is known, that is V10. What the version
// can't express (LF in 1.0, NUL in all) becomes a blank.
func AppendHeader[N, V text](dst []byte, v Version, name N, value V) []byte {
	dst = appendEscaped(dst, v, name)
	dst = append(dst, ':')
	dst = appendEscaped(dst, v, value)
	return append(dst, '\n')
}

// AppendKnown appends a header line with a well-known name.
func AppendKnown[V text](dst []byte, v Version, name Header, value V) []byte {
	dst = append(dst, headerNames[name]...)
	dst = append(dst, ':')
	dst = appendEscaped(dst, v, value)
	return append(dst, '\n')
}

// AppendValue appends a header's value alone.
func AppendValue[V text](dst []byte, v Version, value V) []byte { return appendEscaped(dst, v, value) }

// IsPlain reports whether a header's value is the same in all versions.
func IsPlain[V text](value V) bool {
	for i := range len(value) {
		if special(value[i]) {
			return false
		}
	}
	return true
}

// AppendHeaderInt appends a header line with a well-known name and a decimal number.
func AppendHeaderInt(dst []byte, name Header, value int64) []byte {
	dst = append(dst, headerNames[name]...)
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, '\n')
}

// AppendEnd appends the empty line that ends the headers.
func AppendEnd(dst []byte) []byte { return append(dst, '\n') }

// AppendTail appends what ends a frame: NUL, and the LF that some old clients wait for.
func AppendTail(dst []byte) []byte { return append(dst, 0, '\n') }

// AppendBody appends the empty line, the body and the frame's end. A body that may hold a NUL
// needs a content-length header before.
func AppendBody[B text](dst []byte, body B) []byte {
	dst = append(dst, '\n')
	dst = append(dst, body...)
	return AppendTail(dst)
}

// AppendReceipt appends a RECEIPT frame; id is the unescaped value of the receipt header.
func AppendReceipt[T text](dst []byte, v Version, id T) []byte {
	dst = append(dst, "RECEIPT\nreceipt-id:"...)
	dst = appendEscaped(dst, v, id)
	return append(dst, "\n\n\x00\n"...)
}

// AppendError appends an ERROR frame. The message is the short text for the header; receipt is
// what the offending frame asked for, "" if nothing. NULs in the body become blanks, so that no
// client ends the frame early.
func AppendError(dst []byte, v Version, message, receipt, body string) []byte {
	return appendError(dst, v, message, receipt, body, false)
}

// AppendVersionError appends the ERROR frame for a client with which no version is shared; it
// names the versions that there are. [STOMP-1.2 Protocol Negotiation]
func AppendVersionError(dst []byte, message, receipt, body string) []byte {
	return appendError(dst, V10, message, receipt, body, true)
}

func appendError(dst []byte, v Version, message, receipt, body string, list bool) []byte {
	dst = append(dst, "ERROR\ncontent-type:text/plain\n"...)
	if list {
		dst = append(dst, "version:"+Versions+"\n"...)
	}
	if receipt != "" {
		dst = AppendKnown(dst, v, ReceiptID, receipt)
	}
	dst = AppendKnown(dst, v, MessageHeader, message)
	dst = append(dst, '\n')
	start := len(dst)
	dst = append(dst, body...)
	for i, c := range dst[start:] {
		if c == 0 {
			dst[start+i] = ' '
		}
	}
	return AppendTail(dst)
}

// Welcome is what a CONNECTED frame says.
type Welcome struct {
	Version   Version
	HeartBeat HeartBeat
	Session   string // the client id
	Server    string // product and version: some clients switch on "ActiveMQ/"
	Response  string // the request-id of CONNECT, "" if it had none
	Receipt   string // the receipt of CONNECT, which it should not have; "" if it had none
}

// AppendConnected appends a CONNECTED frame. Its headers are never escaped.
func AppendConnected(dst []byte, w Welcome) []byte {
	dst = append(dst, "CONNECTED\nserver:"...)
	dst = appendEscaped(dst, V10, w.Server)
	dst = append(dst, "\nheart-beat:"...)
	dst = w.HeartBeat.appendTo(dst)
	dst = append(dst, "\nsession:"...)
	dst = appendEscaped(dst, V10, w.Session)
	dst = append(dst, "\nversion:"...)
	dst = append(dst, versions[w.Version].name...)
	dst = append(dst, '\n')
	if w.Response != "" {
		dst = AppendKnown(dst, V10, ResponseID, w.Response)
	}
	if w.Receipt != "" {
		dst = AppendKnown(dst, V10, ReceiptID, w.Receipt)
	}
	return append(dst, "\n\x00\n"...)
}

package stomptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits on what the suite's own reader accepts, far above anything a scenario provokes.
const (
	maxLine = 1 << 20
	maxBody = 64 << 20
)

// Field is one header line of a frame, unescaped.
type Field struct{ Name, Value string }

// Frame is a STOMP frame with its headers in the order of the wire.
type Frame struct {
	Command string
	Header  []Field
	Body    string
}

// F builds a frame from a command and alternating header names and values. An odd last string is the body.
func F(command string, pairs ...string) Frame {
	f := Frame{Command: command}
	for len(pairs) >= 2 {
		f.Header = append(f.Header, Field{pairs[0], pairs[1]})
		pairs = pairs[2:]
	}
	if len(pairs) == 1 {
		f.Body = pairs[0]
	}
	return f
}

// With returns a copy of the frame with further headers.
func (f Frame) With(pairs ...string) Frame {
	header := make([]Field, len(f.Header), len(f.Header)+len(pairs)/2)
	copy(header, f.Header)
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		header = append(header, Field{pairs[0], pairs[1]})
	}
	f.Header = header
	return f
}

// Get returns the first value of a header, or "".
func (f Frame) Get(name string) string {
	value, _ := f.Lookup(name)
	return value
}

// Lookup returns the first value of a header and whether it is there.
func (f Frame) Lookup(name string) (string, bool) {
	for _, field := range f.Header {
		if field.Name == name {
			return field.Value, true
		}
	}
	return "", false
}

// Has reports whether the header is there, with any value.
func (f Frame) Has(name string) bool {
	_, ok := f.Lookup(name)
	return ok
}

// String shows the frame for failure messages; a long body is cut.
func (f Frame) String() string {
	var b strings.Builder
	b.WriteString(f.Command)
	for _, field := range f.Header {
		fmt.Fprintf(&b, " %s:%q", field.Name, field.Value)
	}
	body := f.Body
	if len(body) > 200 {
		body = body[:200] + "…"
	}
	fmt.Fprintf(&b, " body %q", body)
	return b.String()
}

// encode writes the frame as a client of the given version does. [STOMP 1.2 Value Encoding]
func (f Frame) encode(version string) string {
	escape := escaper(version, f.Command)
	var b strings.Builder
	b.WriteString(f.Command)
	b.WriteByte('\n')
	for _, field := range f.Header {
		b.WriteString(escape.Replace(field.Name))
		b.WriteByte(':')
		b.WriteString(escape.Replace(field.Value))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(f.Body)
	b.WriteByte(0)
	return b.String()
}

// escaper returns what a client of the version does to header names and values. CONNECT and CONNECTED are never escaped.
func escaper(version, command string) *strings.Replacer {
	switch {
	case command == "CONNECT" || command == "STOMP" || command == "CONNECTED" || version == "1.0" || version == "":
		return strings.NewReplacer()
	case version == "1.1":
		return strings.NewReplacer("\\", `\\`, "\n", `\n`, ":", `\c`)
	default:
		return strings.NewReplacer("\\", `\\`, "\r", `\r`, "\n", `\n`, ":", `\c`)
	}
}

// unescaper reverses escaper.
func unescaper(version, command string) *strings.Replacer {
	switch {
	case command == "CONNECTED" || version == "1.0" || version == "":
		return strings.NewReplacer()
	case version == "1.1":
		return strings.NewReplacer(`\\`, "\\", `\n`, "\n", `\c`, ":")
	default:
		return strings.NewReplacer(`\\`, "\\", `\r`, "\r", `\n`, "\n", `\c`, ":")
	}
}

// readFrame reads the next frame, skipping the line feeds in front of it, which it counts in beats.
// io.EOF means that the peer closed between frames.
func readFrame(r *bufio.Reader, version string, beats *int) (Frame, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return Frame{}, err
		}
		if b != '\n' && b != '\r' {
			break
		}
		*beats++
	}
	if err := r.UnreadByte(); err != nil {
		return Frame{}, err
	}
	command, err := readLine(r)
	if err != nil {
		return Frame{}, midFrame(err)
	}
	f := Frame{Command: command}
	unescape := unescaper(version, command)
	for {
		line, err := readLine(r)
		if err != nil {
			return f, midFrame(err)
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return f, fmt.Errorf("header line %q of %s has no colon", line, command)
		}
		f.Header = append(f.Header, Field{unescape.Replace(name), unescape.Replace(value)})
	}
	f.Body, err = readBody(r, f)
	return f, midFrame(err)
}

func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		case len(line) > maxLine:
			return "", errors.New("line too long")
		}
	}
}

func readBody(r *bufio.Reader, f Frame) (string, error) {
	text, ok := f.Lookup("content-length")
	if !ok {
		body, err := r.ReadString(0)
		return strings.TrimSuffix(body, "\x00"), err
	}
	length, err := strconv.Atoi(text)
	if err != nil || length < 0 || length > maxBody {
		return "", fmt.Errorf("content-length %q", text)
	}
	body := make([]byte, length+1)
	if _, err := io.ReadFull(r, body); err != nil {
		return "", err
	}
	if body[length] != 0 {
		return "", fmt.Errorf("no NUL after a body of %d bytes", length)
	}
	return string(body[:length]), nil
}

// midFrame tells an end inside a frame from one between frames.
func midFrame(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

package frame

// Command is the first line of a frame.
type Command uint8

// The commands. Connected and those after it are sent by servers only.
const (
	Unknown Command = iota // never returned by a Reader: an unknown command is an error
	Connect
	Stomp // CONNECT by another name, [STOMP-1.2 CONNECT]
	Send
	Subscribe
	Unsubscribe
	Ack
	Nack
	Begin
	Commit
	Abort
	Disconnect
	Connected
	Message
	Receipt
	ErrorFrame
)

var commands = [...]string{
	Unknown: "", Connect: "CONNECT", Stomp: "STOMP", Send: "SEND", Subscribe: "SUBSCRIBE",
	Unsubscribe: "UNSUBSCRIBE", Ack: "ACK", Nack: "NACK", Begin: "BEGIN", Commit: "COMMIT",
	Abort: "ABORT", Disconnect: "DISCONNECT", Connected: "CONNECTED", Message: "MESSAGE",
	Receipt: "RECEIPT", ErrorFrame: "ERROR",
}

// String returns the command as it stands on the wire, "" for Unknown.
func (c Command) String() string {
	if int(c) < len(commands) {
		return commands[c]
	}
	return ""
}

// FromServer reports whether only a server may send the command.
func (c Command) FromServer() bool { return c >= Connected }

// Plain reports whether the command's headers are never escaped, whatever the version.
// [STOMP-1.2 Value Encoding]
func (c Command) Plain() bool { return c == Connect || c == Stomp || c == Connected }

// carries reports whether frames of the command hold a message that outlives them.
func (c Command) carries() bool { return c == Send || c == Message }

// parseCommand matches the whole line: commands are case-sensitive, and a longer word that
// begins like a command is not that command.
func parseCommand(line []byte) Command {
	switch string(line) {
	case "SEND":
		return Send
	case "ACK":
		return Ack
	case "NACK":
		return Nack
	case "MESSAGE":
		return Message
	case "CONNECT":
		return Connect
	case "STOMP":
		return Stomp
	case "SUBSCRIBE":
		return Subscribe
	case "UNSUBSCRIBE":
		return Unsubscribe
	case "BEGIN":
		return Begin
	case "COMMIT":
		return Commit
	case "ABORT":
		return Abort
	case "DISCONNECT":
		return Disconnect
	case "CONNECTED":
		return Connected
	case "RECEIPT":
		return Receipt
	case "ERROR":
		return ErrorFrame
	}
	return Unknown
}

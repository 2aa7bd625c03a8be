package packet

// Reason is a reason code of version 5 [MQTT 5, 2.4]. Those from 0x80 on are failures.
type Reason uint8

// The reason codes.
const (
	Success              Reason = 0x00 // also normal disconnection, and granted QoS 0
	GrantedQoS1          Reason = 0x01
	GrantedQoS2          Reason = 0x02
	DisconnectWithWill   Reason = 0x04
	NoMatchingSubscriber Reason = 0x10
	NoSubscription       Reason = 0x11
	ContinueAuth         Reason = 0x18
	Reauthenticate       Reason = 0x19

	Unspecified           Reason = 0x80
	MalformedPacket       Reason = 0x81
	ProtocolError         Reason = 0x82
	ImplementationError   Reason = 0x83
	UnsupportedVersion    Reason = 0x84
	ClientIDNotValid      Reason = 0x85
	BadUserOrPassword     Reason = 0x86
	NotAuthorized         Reason = 0x87
	ServerUnavailable     Reason = 0x88
	ServerBusy            Reason = 0x89
	Banned                Reason = 0x8A
	ServerShuttingDown    Reason = 0x8B
	BadAuthMethod         Reason = 0x8C
	KeepAliveTimeout      Reason = 0x8D
	SessionTakenOver      Reason = 0x8E
	TopicFilterInvalid    Reason = 0x8F
	TopicNameInvalid      Reason = 0x90
	IDInUse               Reason = 0x91
	IDNotFound            Reason = 0x92
	ReceiveMaxExceeded    Reason = 0x93
	TopicAliasInvalid     Reason = 0x94
	PacketTooLarge        Reason = 0x95
	MessageRateTooHigh    Reason = 0x96
	QuotaExceeded         Reason = 0x97
	AdministrativeAction  Reason = 0x98
	PayloadFormatInvalid  Reason = 0x99
	RetainNotSupported    Reason = 0x9A
	QoSNotSupported       Reason = 0x9B
	UseAnotherServer      Reason = 0x9C
	ServerMoved           Reason = 0x9D
	SharedNotSupported    Reason = 0x9E
	ConnectionRate        Reason = 0x9F
	MaximumConnectTime    Reason = 0xA0
	SubIDsNotSupported    Reason = 0xA1
	WildcardsNotSupported Reason = 0xA2
)

// Failed reports whether the code says that something did not succeed.
func (r Reason) Failed() bool { return r >= 0x80 }

// reasonInfo says what a code is called and which packets may carry it, a bit per Type.
type reasonInfo struct {
	name    string
	packets uint16
}

const (
	inConnack    = 1 << Connack
	inPuback     = 1 << Puback
	inPubrec     = 1 << Pubrec
	inPubrel     = 1 << Pubrel
	inPubcomp    = 1 << Pubcomp
	inSuback     = 1 << Suback
	inUnsuback   = 1 << Unsuback
	inDisconnect = 1 << Disconnect
	inAuth       = 1 << Auth
)

// reasons is the table of all codes [MQTT-3.2.2-8] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1]
// [MQTT-3.7.2-1] [MQTT-3.9.3-2] [MQTT-3.11.3-2] [MQTT-3.14.2-1] [MQTT-3.15.2-1].
var reasons = [0xA3]reasonInfo{
	Success:               {"success", inConnack | inPuback | inPubrec | inPubrel | inPubcomp | inSuback | inUnsuback | inDisconnect | inAuth},
	GrantedQoS1:           {"granted QoS 1", inSuback},
	GrantedQoS2:           {"granted QoS 2", inSuback},
	DisconnectWithWill:    {"disconnect with will message", inDisconnect},
	NoMatchingSubscriber:  {"no matching subscribers", inPuback | inPubrec},
	NoSubscription:        {"no subscription existed", inUnsuback},
	ContinueAuth:          {"continue authentication", inAuth},
	Reauthenticate:        {"re-authenticate", inAuth},
	Unspecified:           {"unspecified error", inConnack | inPuback | inPubrec | inSuback | inUnsuback | inDisconnect},
	MalformedPacket:       {"malformed packet", inConnack | inDisconnect},
	ProtocolError:         {"protocol error", inConnack | inDisconnect},
	ImplementationError:   {"implementation specific error", inConnack | inPuback | inPubrec | inSuback | inUnsuback | inDisconnect},
	UnsupportedVersion:    {"unsupported protocol version", inConnack},
	ClientIDNotValid:      {"client identifier not valid", inConnack},
	BadUserOrPassword:     {"bad user name or password", inConnack},
	NotAuthorized:         {"not authorized", inConnack | inPuback | inPubrec | inSuback | inUnsuback | inDisconnect},
	ServerUnavailable:     {"server unavailable", inConnack},
	ServerBusy:            {"server busy", inConnack | inDisconnect},
	Banned:                {"banned", inConnack},
	ServerShuttingDown:    {"server shutting down", inDisconnect},
	BadAuthMethod:         {"bad authentication method", inConnack | inDisconnect},
	KeepAliveTimeout:      {"keep alive timeout", inDisconnect},
	SessionTakenOver:      {"session taken over", inDisconnect},
	TopicFilterInvalid:    {"topic filter invalid", inSuback | inUnsuback | inDisconnect},
	TopicNameInvalid:      {"topic name invalid", inConnack | inPuback | inPubrec | inDisconnect},
	IDInUse:               {"packet identifier in use", inPuback | inPubrec | inSuback | inUnsuback},
	IDNotFound:            {"packet identifier not found", inPubrel | inPubcomp},
	ReceiveMaxExceeded:    {"receive maximum exceeded", inDisconnect},
	TopicAliasInvalid:     {"topic alias invalid", inDisconnect},
	PacketTooLarge:        {"packet too large", inConnack | inDisconnect},
	MessageRateTooHigh:    {"message rate too high", inDisconnect},
	QuotaExceeded:         {"quota exceeded", inConnack | inPuback | inPubrec | inSuback | inDisconnect},
	AdministrativeAction:  {"administrative action", inDisconnect},
	PayloadFormatInvalid:  {"payload format invalid", inConnack | inPuback | inPubrec | inDisconnect},
	RetainNotSupported:    {"retain not supported", inConnack | inDisconnect},
	QoSNotSupported:       {"QoS not supported", inConnack | inDisconnect},
	UseAnotherServer:      {"use another server", inConnack | inDisconnect},
	ServerMoved:           {"server moved", inConnack | inDisconnect},
	SharedNotSupported:    {"shared subscriptions not supported", inSuback | inDisconnect},
	ConnectionRate:        {"connection rate exceeded", inConnack | inDisconnect},
	MaximumConnectTime:    {"maximum connect time", inDisconnect},
	SubIDsNotSupported:    {"subscription identifiers not supported", inSuback | inDisconnect},
	WildcardsNotSupported: {"wildcard subscriptions not supported", inSuback | inDisconnect},
}

// String returns the code's name in the specification, in lower case.
func (r Reason) String() string {
	if int(r) < len(reasons) && reasons[r].name != "" {
		return reasons[r].name
	}
	return "unknown reason"
}

// In reports whether packets of a type may carry the code.
func (r Reason) In(t Type) bool {
	return int(r) < len(reasons) && reasons[r].packets&(1<<t) != 0
}

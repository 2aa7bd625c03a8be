package transform

// Transformation is the value of a transformation header.
type Transformation uint8

// The transformations. JSON and XML choose by the kind of message.
const (
	None Transformation = iota
	Byte
	JSON
	XML
	ObjectJSON
	ObjectXML
	MapJSON
	MapXML
	AdvisoryJSON
	AdvisoryXML
	transformations
)

var names = [transformations]string{
	None: "", Byte: "jms-byte", JSON: "jms-json", XML: "jms-xml",
	ObjectJSON: "jms-object-json", ObjectXML: "jms-object-xml",
	MapJSON: "jms-map-json", MapXML: "jms-map-xml",
	AdvisoryJSON: "jms-advisory-json", AdvisoryXML: "jms-advisory-xml",
}

// Parse returns the transformation of that name; names are case-sensitive. The empty name is
// None. An unknown name is false: ActiveMQ then leaves the body as if no name was given.
func Parse(name string) (Transformation, bool) {
	for t, n := range names {
		if n == name {
			return Transformation(t), true
		}
	}
	return None, false
}

// String returns the name for a transformation header.
func (t Transformation) String() string {
	if t < transformations {
		return names[t]
	}
	return ""
}

// Kind is what a transformation has to know of a message.
type Kind uint8

// The kinds of messages. Text and bytes are sent as they are, a stream not at all.
const (
	Other Kind = iota
	Map
	Object
	Advisory
)

// For returns the transformation for a message of the given kind to a subscriber that asked for
// t: JSON and XML become the one for the kind, and what is for another kind is kept, because
// ActiveMQ looks at the form alone. Advisories are JSON unless asked for otherwise. None means
// that the message needs none.
func (t Transformation) For(k Kind) Transformation {
	switch k {
	case Map:
		return t.choose(MapJSON, MapXML)
	case Object:
		return t.choose(ObjectJSON, ObjectXML)
	case Advisory:
		if t == None {
			return AdvisoryJSON
		}
		return t.choose(AdvisoryJSON, AdvisoryXML)
	}
	return None
}

func (t Transformation) choose(json, xml Transformation) Transformation {
	switch t {
	case JSON:
		return json
	case XML:
		return xml
	}
	return t
}

// isJSON tells the two forms apart as ActiveMQ does: what does not say JSON is XML.
func (t Transformation) isJSON() bool {
	return t == JSON || t == ObjectJSON || t == MapJSON || t == AdvisoryJSON
}

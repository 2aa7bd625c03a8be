package transform

import (
	"encoding/base64"

	"github.com/manifoldmq/manifold/broker/message"
)

// element is a node of what XStream reads and writes: text, or children.
type element struct {
	name     string
	text     string
	children []element
}

// noCharacter is the attribute-less form in which XStream writes the NUL character.
const noCharacter = ""

// fromValue returns the element that XStream writes for a value.
func fromValue(v message.Value, b *budget) (element, error) {
	if err := b.enter(); err != nil {
		return element{}, err
	}
	defer b.leave()
	switch v.Kind() {
	case message.List:
		return fromList(v, b)
	case message.Map:
		return fromMap(v, b)
	}
	return scalar(v), nil
}

func scalar(v message.Value) element {
	switch v.Kind() {
	case message.Bool:
		return element{name: "boolean", text: v.Text()}
	case message.Byte:
		return element{name: "byte", text: v.Text()}
	case message.Short:
		return element{name: "short", text: v.Text()}
	case message.Int:
		return element{name: "int", text: v.Text()}
	case message.Long, message.Time:
		return element{name: "long", text: v.Text()}
	case message.Float:
		return element{name: "float", text: v.Text()}
	case message.Double:
		return element{name: "double", text: v.Text()}
	case message.Char:
		if v.Int64() == 0 {
			return element{name: "char", text: noCharacter}
		}
		return element{name: "char", text: v.Text()}
	case message.Bytes:
		return element{name: "byte-array", text: base64.StdEncoding.EncodeToString([]byte(v.Str()))}
	case message.String, message.UUID:
		return element{name: "string", text: v.Text()}
	}
	return element{name: "null"}
}

func fromList(v message.Value, b *budget) (element, error) {
	e := element{name: "list", children: make([]element, 0, len(v.List()))}
	for _, item := range v.List() {
		child, err := fromValue(item, b)
		if err != nil {
			return element{}, err
		}
		e.children = append(e.children, child)
	}
	return e, nil
}

func fromMap(v message.Value, b *budget) (element, error) {
	e := element{name: "map", children: make([]element, 0, len(v.Fields()))}
	for _, f := range v.Fields() {
		if err := b.enter(); err != nil {
			return element{}, err
		}
		value, err := fromValue(f.Value, b)
		if err != nil {
			return element{}, err
		}
		b.leave()
		e.children = append(e.children, element{
			name: "entry", children: []element{{name: "string", text: f.Name}, value},
		})
	}
	return e, nil
}

// container reports whether the element is one for children: without any it is <map/> in XML,
// while one for text is <string></string>.
func (e *element) container() bool {
	switch e.name {
	case "map", "list", "null", "entry":
		return true
	}
	return len(e.children) > 0
}

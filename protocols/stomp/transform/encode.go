package transform

import "github.com/manifoldmq/manifold/broker/message"

// AppendMap appends the text for the body of a map message, which is a value of kind Map. The
// entries come in the value's order. t should be what For returned; it is XML unless it says
// JSON. An error (a *Error) leaves dst as it was.
func AppendMap(dst []byte, t Transformation, body message.Value, limits Limits) ([]byte, error) {
	if body.Kind() != message.Map {
		return dst, unexpected("the body is no map")
	}
	b := newBudget(limits)
	root, err := fromValue(body, &b)
	if err != nil {
		return dst, err
	}
	return appendRoot(dst, t, &root), nil
}

// AppendAdvisory appends the text for an advisory's data structure: name is the simple name of
// its class ("ConsumerInfo"), fields, a value of kind Map, its members by name. A member that is
// a map nests; a member "@class" names the class of what it stands in. Members without a value
// are left out, as XStream does.
func AppendAdvisory(dst []byte, t Transformation, name string, fields message.Value, limits Limits) ([]byte, error) {
	b := newBudget(limits)
	root, err := fromStructure(name, fields, &b)
	if err != nil {
		return dst, err
	}
	return appendRoot(dst, t, &root), nil
}

func fromStructure(name string, v message.Value, b *budget) (element, error) {
	if err := b.enter(); err != nil {
		return element{}, err
	}
	defer b.leave()
	if v.Kind() != message.Map {
		e := scalar(v)
		e.name = name
		return e, nil
	}
	e := element{name: name}
	for _, f := range v.Fields() {
		if f.Value.IsNull() && f.Name != "null" {
			continue
		}
		child, err := fromStructure(f.Name, f.Value, b)
		if err != nil {
			return element{}, err
		}
		e.children = append(e.children, child)
	}
	return e, nil
}

func appendRoot(dst []byte, t Transformation, root *element) []byte {
	if t.isJSON() {
		dst = append(dst, '{')
		dst = appendJSONString(dst, root.name, false)
		dst = append(dst, ':')
		return append(appendJSON(dst, root, false), '}')
	}
	return appendXML(dst, root, 0)
}

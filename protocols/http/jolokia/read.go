package jolokia

import (
	"reflect"
	"strconv"
	"strings"
)

// read answers with attributes: of one object, or of each that matches a pattern.
func (v *view) read(q *request) (any, error) {
	if q.name.pattern {
		return v.readPattern(q)
	}
	o, ok := v.find(q.name)
	if !ok {
		return nil, noInstance(q.name.String())
	}
	if len(q.attributes) == 1 && !q.listed {
		value, err := v.get(&o, q.attributes[0])
		if err != nil {
			return nil, err
		}
		return v.extract(value, q.path)
	}
	all, err := v.getAll(&o, q)
	if err != nil {
		return nil, err
	}
	return v.extract(all, q.path)
}

// get returns one attribute.
func (v *view) get(o *object, name string) (any, error) {
	a := o.class.attribute(name)
	switch {
	case a == nil:
		return nil, noAttribute(name)
	case !v.spend(1):
		return nil, exhausted()
	}
	return a.get(v, o.at)
}

// getAll returns the attributes that are asked for, or all.
func (v *view) getAll(o *object, q *request) (map[string]any, error) {
	names := q.attributes
	if len(names) == 0 {
		for i := range o.class.attributes {
			names = append(names, o.class.attributes[i].name)
		}
	}
	out := make(map[string]any, len(names))
	for _, name := range names {
		value, err := v.get(o, name)
		if p, _ := problemOf(err); err != nil {
			if !q.ignoreErrors || v.left < 0 {
				return nil, err
			}
			value = "ERROR: " + p.reason + " (class " + p.class + ")"
		}
		out[name] = value
	}
	return out, nil
}

// readPattern returns attributes of all objects that match and have one of them.
func (v *view) readPattern(q *request) (any, error) {
	if len(q.path) > 0 {
		return nil, illegal("A path can't be used with a pattern")
	}
	out := make(map[string]map[string]any)
	found := false
	for o := range v.objects(q.name) {
		if !q.name.matches(&o.name) {
			continue
		}
		found = true
		some := *q
		if len(q.attributes) > 0 {
			some.attributes = nil
			for _, name := range q.attributes {
				if o.class.attribute(name) != nil {
					some.attributes = append(some.attributes, name)
				}
			}
			if len(some.attributes) == 0 {
				continue
			}
		}
		all, err := v.getAll(&o, &some)
		if err != nil {
			return nil, err
		}
		out[q.text(&o.name)] = all
	}
	switch {
	case v.left < 0:
		return nil, exhausted()
	case !found:
		return nil, noInstance("No MBean with pattern " + q.name.String() + " found for reading attributes")
	case len(out) == 0:
		return nil, illegal("No matching attributes [" + clip(strings.Join(q.attributes, ", ")) + "] found on MBeans")
	}
	return out, nil
}

// extract follows a path into a value. What a map does not have is null.
func (v *view) extract(value any, path []string) (any, error) {
	for _, key := range path {
		switch x := reflect.ValueOf(value); x.Kind() {
		case reflect.Map:
			e := x.MapIndex(reflect.ValueOf(key))
			if !e.IsValid() {
				return nil, nil
			}
			value = e.Interface()
		case reflect.Slice:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= x.Len() {
				return nil, illegal("Index " + clip(key) + " is none of the " + strconv.Itoa(x.Len()) + " elements")
			}
			value = x.Index(i).Interface()
		case reflect.Struct:
			member, ok := memberOf(x, key)
			if !ok {
				return nil, illegal("Cannot extract path " + clip(key) + " of a value")
			}
			value = member
		case reflect.Invalid:
			return nil, nil
		default:
			return nil, illegal("Cannot extract path " + clip(key) + " of a value")
		}
	}
	return value, nil
}

// memberOf returns the field of a struct that JSON gives this name.
func memberOf(x reflect.Value, name string) (any, bool) {
	for i := range x.NumField() {
		if tag, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ","); tag == name {
			return x.Field(i).Interface(), true
		}
	}
	return nil, false
}

// search returns the names of the objects that match.
func (v *view) search(q *request) (any, error) {
	list := []string{}
	if !q.name.pattern {
		if o, ok := v.find(q.name); ok {
			list = append(list, q.text(&o.name))
		}
		return list, nil
	}
	for o := range v.objects(q.name) {
		if q.name.matches(&o.name) {
			list = append(list, q.text(&o.name))
		}
	}
	if v.left < 0 {
		return nil, exhausted()
	}
	return list, nil
}

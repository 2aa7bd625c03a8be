package jolokia

import (
	"math"
	"strconv"
	"strings"
)

// operation is something that an object does.
type operation struct {
	name      string
	arguments []string // Java's types
	returns   string
	reads     bool // it changes nothing: who may read may do it, and the operator need not agree
	run       func(v *view, at any, a arguments) (any, error)
}

// op makes an operation of objects that stand for a T.
func op[T any](name string, args []string, returns string, run func(v *view, at T, a arguments) (any, error)) operation {
	return operation{name: name, arguments: args, returns: returns, run: func(v *view, at any, a arguments) (any, error) {
		return run(v, at.(T), a)
	}}
}

// harmless marks an operation that changes nothing.
func (o operation) harmless() operation {
	o.reads = true
	return o
}

func (o *operation) signature() string { return "(" + strings.Join(o.arguments, ",") + ")" }

// arguments are those of an operation, of the types that it has: string, int or map[string]any.
type arguments []any

func (a arguments) text(i int) string { s, _ := a[i].(string); return s }
func (a arguments) number(i int) int  { n, _ := a[i].(int); return n }

func (a arguments) table(i int) map[string]any { m, _ := a[i].(map[string]any); return m }

// operation finds the operation that a request names, alone or with its signature.
func (c *class) operation(q *request, n *name) (*operation, error) {
	wanted, signature, signed := strings.Cut(q.operation, "(")
	var found []*operation
	var signatures []string
	for i := range c.operations {
		o := &c.operations[i]
		if o.name != wanted || signed && o.signature() != "("+strings.ReplaceAll(signature, " ", "") {
			continue
		}
		found = append(found, o)
		signatures = append(signatures, o.signature())
	}
	switch {
	case len(found) == 0 && signed && c.hasOperation(wanted):
		return nil, illegal("No operation " + clip(q.operation) + " on MBean " + n.canonical() + " exists with this signature")
	case len(found) == 0:
		return nil, illegal("No operation " + clip(q.operation) + " found on MBean " + n.canonical())
	case len(found) > 1:
		return nil, illegal("Operation " + wanted + " on MBean " + n.canonical() + " is overloaded. Signatures found: " +
			strings.Join(signatures, ",") + ". Use a signature when specifying the operation.")
	}
	return found[0], nil
}

func (c *class) hasOperation(name string) bool {
	for i := range c.operations {
		if c.operations[i].name == name {
			return true
		}
	}
	return false
}

// convert gives arguments the types that the operation has.
func (o *operation) convert(given []any, n *name) (arguments, error) {
	if len(given) != len(o.arguments) {
		return nil, illegal("Invalid number of operation arguments. Operation " + o.name + " on " + n.String() + " requires " +
			strconv.Itoa(len(o.arguments)) + " parameters, not " + strconv.Itoa(len(given)) + " as given")
	}
	out := make(arguments, len(given))
	for i, want := range o.arguments {
		var ok bool
		if out[i], ok = convert(given[i], want); !ok {
			return nil, illegal("Cannot convert argument " + strconv.Itoa(i+1) + " of " + o.name + " to " + want)
		}
	}
	return out, nil
}

func convert(v any, want string) (any, bool) {
	switch want {
	case javaInt:
		switch v := v.(type) {
		case float64:
			return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<31
		case string:
			n, err := strconv.ParseInt(v, 10, 32)
			return int(n), err == nil
		}
		return nil, false
	case javaMap:
		if v == nil {
			return map[string]any{}, true
		}
		m, ok := v.(map[string]any)
		return m, ok
	}
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return nil, false
}

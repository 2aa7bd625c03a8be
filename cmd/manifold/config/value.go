package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of an option's value.
type Kind uint8

// The kinds. A List holds elements with fields of their own and can only be given in the file.
const (
	Text Kind = iota
	Texts
	Choice
	Bool
	Int
	Number
	Bytes
	Duration
	List
)

var kindNames = [...]string{"text", "list of texts", "choice", "true or false", "integer", "number", "size", "duration", "list"}

// String names the kind as the reference does.
func (k Kind) String() string { return kindNames[k] }

// value is one place inside a Config that text can be written to and read from.
type value struct {
	kind    Kind
	choices []string
	set     func(text string) error
	raw     func(text string)          // Text only: sets it unchecked
	setAll  func(texts []string) error // Texts only
	get     func() string
	texts   func() []string // Texts only
	given   func() bool     // nil for values that always are
	list    list            // List only
}

// list is a slice of elements behind an interface that knows no element type.
type list interface {
	length() int
	element(i int) any // a pointer, valid until the next grow
	grow() any
	clear()
}

type elements[T any] struct{ items *[]T }

func (e elements[T]) length() int       { return len(*e.items) }
func (e elements[T]) element(i int) any { return &(*e.items)[i] }
func (e elements[T]) clear()            { *e.items = nil }

func (e elements[T]) grow() any {
	*e.items = append(*e.items, *new(T))
	return &(*e.items)[len(*e.items)-1]
}

func listOf[T any](items *[]T) value { return value{kind: List, list: elements[T]{items}} }

func scalar[T any](kind Kind, at *T, parse func(string) (T, error), format func(T) string) value {
	return value{
		kind: kind,
		set: func(s string) error {
			v, err := parse(s)
			if err == nil {
				*at = v
			}
			return err
		},
		get: func() string { return format(*at) },
	}
}

// optional wraps a value that may be absent: at stays nil until it is set.
func optional[T any](at **T, of func(*T) value) value {
	place := new(T)
	if *at != nil {
		*place = **at
	}
	v := of(place)
	set := v.set
	v.set = func(s string) error {
		err := set(s)
		if err == nil {
			*at = place
		}
		return err
	}
	v.given = func() bool { return *at != nil }
	return v
}

// text is any text that passes all checks. Checks don't see the empty text, unless it is one
// that refuses emptiness.
func text(at *string, checks ...func(string) error) value {
	v := scalar(Text, at, func(s string) (string, error) {
		for _, check := range checks {
			if err := check(s); err != nil {
				return "", err
			}
		}
		return s, nil
	}, func(s string) string { return s })
	v.raw = func(s string) { *at = s }
	return v
}

func texts(at *[]string, check func(string) error) value {
	setAll := func(all []string) error {
		for _, s := range all {
			if check == nil {
				continue
			}
			if err := check(s); err != nil {
				return err
			}
		}
		if len(all) == 0 {
			all = nil // an empty list is none, however it is written
		}
		*at = all
		return nil
	}
	return value{
		kind:   Texts,
		setAll: setAll,
		set:    func(s string) error { return setAll(splitList(s)) },
		get:    func() string { return "[" + strings.Join(*at, ", ") + "]" },
		texts:  func() []string { return *at },
	}
}

// splitList reads the comma-separated form that flags and variables use.
func splitList(s string) []string {
	var all []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func oneOf(choices ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(choices, s) {
			return nil
		}
		if near := Nearest(s, choices); near != "" {
			return fmt.Errorf("%q is not one of %s; did you mean %s?", s, strings.Join(choices, ", "), near)
		}
		return fmt.Errorf("%q is not one of %s", s, strings.Join(choices, ", "))
	}
}

func choice(at *string, choices ...string) value {
	v := text(at, oneOf(choices...))
	v.kind, v.choices = Choice, choices
	return v
}

func boolean(at *bool) value {
	return scalar(Bool, at, func(s string) (bool, error) {
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return false, fmt.Errorf("%q is neither true nor false", s)
	}, strconv.FormatBool)
}

func integer(at *int, lowest, highest int) value {
	return scalar(Int, at, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", s)
		}
		if n < lowest || n > highest {
			return 0, fmt.Errorf("%d is not between %d and %d", n, lowest, highest)
		}
		return n, nil
	}, strconv.Itoa)
}

func number(at *float64, lowest, highest float64) value {
	format := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	return scalar(Number, at, func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number", s)
		}
		if !(f >= lowest && f <= highest) { // so written that NaN is refused
			return 0, fmt.Errorf("%s is not between %s and %s", s, format(lowest), format(highest))
		}
		return f, nil
	}, format)
}

func size(at *Size, lowest Size) value {
	return scalar(Bytes, at, func(s string) (Size, error) {
		n, err := ParseSize(s)
		if err == nil && n < lowest {
			err = fmt.Errorf("%s is less than %s", n, lowest)
		}
		return n, err
	}, Size.String)
}

func duration(at *time.Duration) value {
	return scalar(Duration, at, parseDuration, formatDuration)
}

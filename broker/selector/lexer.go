package selector

import "strings"

// spaces are what may stand between tokens; no other white space may.
const spaces = " \t\n\r\f"

// kind of a token.
type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokIllegal
	tokName
	tokKeyword // in upper case
	tokString  // decoded
	tokDecimal // digits, without L
	tokHex     // digits, without 0x
	tokOctal
	tokFloat
	tokSymbol // = <> > >= < <= + - * / % ( ) ,
)

type token struct {
	kind tokenKind
	text string
	at   int
}

// is reports whether t is a keyword or symbol.
func (t token) is(text string) bool {
	return (t.kind == tokSymbol || t.kind == tokKeyword) && t.text == text
}

// lexer splits a text into tokens, each the longest possible.
type lexer struct {
	text string
	at   int
}

// keywords by their lengths, to spare most names the comparison.
var keywords = [...][]string{
	2: {"OR", "IN", "IS"},
	3: {"NOT", "AND"},
	4: {"LIKE", "TRUE", "NULL"},
	5: {"FALSE", "XPATH"},
	6: {"ESCAPE", "XQUERY"},
	7: {"BETWEEN"},
}

func (l *lexer) next() token {
	l.skip()
	if l.at >= len(l.text) {
		return token{tokEnd, "", len(l.text)}
	}
	start, c := l.at, l.text[l.at]
	switch {
	case isLetter(c):
		for l.at < len(l.text) && (isLetter(l.text[l.at]) || isDigit(l.text[l.at])) {
			l.at++
		}
		return word(l.text[start:l.at], start)
	case isDigit(c), c == '.' && start+1 < len(l.text) && isDigit(l.text[start+1]):
		return l.number()
	case c == '\'':
		return l.quoted()
	}
	n := 1
	switch two := l.text[start:min(start+2, len(l.text))]; {
	case two == "<>" || two == "<=" || two == ">=":
		n = 2
	case strings.IndexByte("=<>+-*/%(),", c) < 0:
		return token{tokIllegal, "", start}
	}
	l.at += n
	return token{tokSymbol, l.text[start:l.at], start}
}

// skip passes over white space and comments. A comment that does not end is none: its first
// characters are operators then.
func (l *lexer) skip() {
	for {
		rest := strings.TrimLeft(l.text[l.at:], spaces)
		l.at = len(l.text) - len(rest)
		var end int
		switch {
		case strings.HasPrefix(rest, "--"):
			end = strings.IndexAny(rest, "\r\n")
			if end < 0 {
				return
			}
			end++
		case strings.HasPrefix(rest, "/*"):
			end = strings.Index(rest[2:], "*/")
			if end < 0 {
				return
			}
			end += 4
		default:
			return
		}
		l.at += end
	}
}

// quoted reads a string literal, in which a quote stands twice.
func (l *lexer) quoted() token {
	start := l.at
	for i := start + 1; i < len(l.text); i++ {
		if l.text[i] != '\'' {
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == '\'' {
			i++
			continue
		}
		l.at = i + 1
		return token{tokString, strings.ReplaceAll(l.text[start+1:i], "''", "'"), start}
	}
	return token{tokIllegal, "", start}
}

func (l *lexer) number() token {
	start, s := l.at, l.text[l.at:]
	digits := span(s, isDigit)
	n := digits
	if n < len(s) && s[n] == '.' {
		n++
		n += span(s[n:], isDigit)
	}
	n += exponent(s[n:])
	if n > digits {
		l.at += n
		return token{tokFloat, s[:n], start}
	}
	if s[0] != '0' {
		l.at += n
		if n < len(s) && lower(s[n]) == 'l' {
			l.at++
		}
		return token{tokDecimal, s[:n], start}
	}
	if len(s) > 1 && lower(s[1]) == 'x' {
		if h := span(s[2:], isHex); h > 0 {
			l.at += 2 + h
			return token{tokHex, s[2 : 2+h], start}
		}
	}
	n = span(s, isOctal)
	l.at += n
	return token{tokOctal, s[:n], start}
}

// exponent returns the length of the exponent with which s begins, or 0.
func exponent(s string) int {
	if s == "" || lower(s[0]) != 'e' {
		return 0
	}
	sign := 0
	if len(s) > 1 && (s[1] == '+' || s[1] == '-') {
		sign = 1
	}
	if n := span(s[1+sign:], isDigit); n > 0 {
		return 1 + sign + n
	}
	return 0
}

// word tells keywords, whose case does not matter, from names.
func word(s string, at int) token {
	if len(s) < len(keywords) {
		for _, k := range keywords[len(s)] {
			if strings.EqualFold(k, s) {
				return token{tokKeyword, k, at}
			}
		}
	}
	return token{tokName, s, at}
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isOctal(c byte) bool  { return c >= '0' && c <= '7' }
func isHex(c byte) bool    { return isDigit(c) || lower(c) >= 'a' && lower(c) <= 'f' }
func isLetter(c byte) bool { return lower(c) >= 'a' && lower(c) <= 'z' || c == '_' || c == '$' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Package selector evaluates JMS message selectors: conditions in a part of SQL-92, by which a
// consumer says what messages it wants.
//
//	price > 10 AND (color = 'red' OR color LIKE 'blue%')
//
// What it accepts and what it answers is what ActiveMQ does, which is more than JMS asks for:
// functions REGEX, INLIST, MAKELIST, SPLIT and REPLACE, comparison of two string properties by
// order, and conversion of strings to numbers where a selector begins with
// "convert_string_expressions:". Its oddities are kept as well, since selectors in use may
// depend on them:
//
//   - A missing property is NULL, and comparing it gives unknown. But a value = a missing
//     property is false, not unknown, and two missing properties are equal.
//   - Division and modulo always give a double, so that 7 / 2 = 3.5.
//   - NOT binds closer than a comparison: NOT id = 1 compares a boolean with 1.
//   - A string is never equal to a number, so that s <> 7 is true of the string '7'.
//   - Floats and doubles compare as Java's objects do: NaN equals itself and is above all
//     others, and -0.0 is below 0.0.
//
// It differs where ActiveMQ's answer is a failure of evaluation, such as 'a' - 1: the operand is
// then NULL. A byte or short is an int here, whichever side it is on. Regular expressions are
// those of package regexp, which take linear time; one that it does not know is a syntax error.
// XPATH and XQUERY parse and are false, as they are in ActiveMQ without its optional libraries.
package selector

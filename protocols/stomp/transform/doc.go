// Package transform turns the bodies of map messages into text for STOMP clients, and such text
// back into maps. The shapes are those of ActiveMQ, which leaves the work to XStream and
// Jettison:
//
//	{"map":{"entry":[{"string":["name","Dejan"]},{"string":"x","int":5}]}}
//
//	<map>
//	  <entry>
//	    <string>name</string>
//	    <string>Dejan</string>
//	  </entry>
//	  …
//	</map>
//
// JSON has the elements of the XML as members: a lone element is a member of its own, several of
// one name are an array in the place of the first, an empty one is "". A list with elements of
// several types therefore loses their order in JSON; XML keeps it.
//
// No class is ever looked up: an element that is not one of the fixed value types is an error,
// and the bodies of object messages, which are Java serialised data, are not opened, because
// whoever opens such data runs what its sender chose.
package transform

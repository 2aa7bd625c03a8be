package stomptest

func transformScenarios() []Scenario { return nil }

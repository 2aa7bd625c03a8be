package stomptest

func topicScenarios() []Scenario    { return nil }
func durableScenarios() []Scenario  { return nil }
func browserScenarios() []Scenario  { return nil }
func selectorScenarios() []Scenario { return nil }
func dispatchScenarios() []Scenario { return nil }
func groupScenarios() []Scenario    { return nil }

package spec

import (
	"fmt"
	"path"
	"strings"

	"rules_romfs/internal/strictyaml"
)

// Transform says how a source becomes what is packed in its place. YAML writes
// it as a mapping, or as a preset's name alone.
type Transform struct {
	TransformSettings
	Refused bool `yaml:"-"` // the decoder has reported it
}

// PresetOutputs are the presets, with the default of their output.
var PresetOutputs = map[string]string{"vela": "{name}", "stedgeai": "{name}", "haar": "{stem}.cascade"}

// presets are the names of PresetOutputs as messages and the schema list them.
var presets = []string{"vela", "stedgeai", "haar"}

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (t *Transform) UnmarshalValue(v strictyaml.Value) {
	switch v.Kind() {
	case strictyaml.String:
		t.Preset, _ = v.String()
		if _, ok := PresetOutputs[t.Preset]; !ok {
			remedy := "write one of " + strings.Join(presets, ", ") + "; or {run: [EXECUTABLE, \"{in}\", \"{out}\"]}"
			if c := strictyaml.Closest(t.Preset, presets); c != "" {
				remedy = fmt.Sprintf("did you mean %q? Otherwise %s", c, remedy)
			}
			v.Errorf(strictyaml.CodeValue, remedy, "there is no preset %s", strictyaml.Quote(t.Preset))
		}
	case strictyaml.Map:
		v.Decode(&t.TransformSettings)
	default:
		v.WrongType("the name of a preset, or a mapping")
		t.Refused = true
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (Transform) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{map[string]any{"enum": presets}, TransformSettings{}}}
}

// JSONSchemaExtra says which keys go together.
func (TransformSettings) JSONSchemaExtra() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"required": []any{"preset"}, "properties": map[string]any{"run": false}},
		map[string]any{"required": []any{"run"}, "properties": map[string]any{"preset": false, "args": false}},
	}}
}

// Stem returns a file's name without its last extension. A name that begins
// with its only dot has none.
func Stem(name string) string {
	if ext := path.Ext(name); ext != name {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

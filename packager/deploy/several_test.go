package deploy

import (
	"slices"
	"testing"

	"rules_romfs/packager/artifact"
)

// TestRequests: one image goes where the command line says; of several each goes to
// its own partition, and modules are imported from the one that firmware mounts.
func TestRequests(t *testing.T) {
	payload := func(name string, index int) Payload {
		return Payload{[]byte(name), &artifact.Sidecar{Partition: &artifact.Partition{Name: name, Index: index}}, name}
	}
	r := Request{Partition: "asked", Backup: "old/image.romfs", Imports: []string{"app"}}
	one := Requests(r, []Payload{payload("romfs0", 0)})
	if len(one) != 1 || one[0].Partition != "asked" || one[0].Backup != r.Backup || !slices.Equal(one[0].Imports, r.Imports) {
		t.Errorf("%+v", one)
	}
	two := Requests(r, []Payload{payload("romfs1", 1), payload("romfs0", 0)})
	if two[0].Partition != "romfs1" || two[1].Partition != "romfs0" || string(two[1].Image) != "romfs0" {
		t.Errorf("%+v", two)
	}
	if two[0].Backup != "old/image-romfs1.romfs" || two[1].Backup != "old/image-romfs0.romfs" {
		t.Errorf("backups go to %s and %s", two[0].Backup, two[1].Backup)
	}
	if two[0].Imports != nil || !slices.Equal(two[1].Imports, r.Imports) {
		t.Errorf("imported: %v and %v", two[0].Imports, two[1].Imports)
	}
	dfu := DFURequests(DFURequest{Partition: ""}, []Payload{payload("romfs1", 1), payload("romfs0", 0)})
	if dfu[0].Partition != "romfs1" || dfu[1].Partition != "romfs0" {
		t.Errorf("%+v", dfu)
	}
}

package port

import (
	"io"
	"testing"
)

// TestShell: cmd gets the command of exec: as it was written, quotes and all.
func TestShell(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		`echo "a b" c`:          "\"a b\" c\r\n",
		`echo one & echo "two"`: "one \r\n\"two\"\r\n",
	} {
		p, err := openProcess(command)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(p)
		p.Close()
		if err != nil || string(said) != want {
			t.Errorf("%s: %q, %v", command, said, err)
		}
	}
}

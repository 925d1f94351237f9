package strictyaml

import "strings"

// Closest returns the candidate that word is most likely a misspelling of,
// or "" if none is near: at most one edit in three characters.
func Closest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, bestDist := "", max(len(word)/3+1, 2)
	for _, c := range candidates {
		if d := distance(word, strings.ToLower(c), bestDist); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// maxCompared is the longest word that is compared.
const maxCompared = 200

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours between a and b, or limit if it is at least that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > maxCompared || len(b) > maxCompared {
		return limit
	}
	var rows [3][maxCompared + 1]int
	prev2, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range b {
		prev[j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		near := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
			near = min(near, cur[j])
		}
		if near >= limit {
			return limit // it only grows
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(b)], limit)
}

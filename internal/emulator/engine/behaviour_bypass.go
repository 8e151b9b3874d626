package engine

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
)

// bypassDigits is the length of a bypass code in a recorded answer.
const bypassDigits = 12

// newBypassCode gives a bypass code its digits and counters, as a recorded
// answer has them.
func newBypassCode(c *Change) error {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(bypassDigits), nil))
	if err != nil {
		return err
	}
	c.New["code"] = fmt.Sprintf("%0*d", bypassDigits, n)
	c.New["actualUsageCount"] = json.Number("0")
	setIfAbsent(c.New, "maxUsageCount", json.Number("1"))
	return nil
}

package scrape

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Metrics reads URL/metrics and returns the values of all samples by series, as
// name or name{label="value"}.
func Metrics(ctx context.Context, c *http.Client, url string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s/metrics: status %s", url, response.Status)
	}
	all := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		series, value, ok := cutLast(lines.Text(), " ")
		if !ok || strings.HasPrefix(series, "#") {
			continue
		}
		if all[series], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, fmt.Errorf("metric %s: %w", lines.Text(), err)
		}
	}
	return all, lines.Err()
}

// cutLast cuts a line at the last separator: the value of a label may have some.
func cutLast(line, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(line, separator)
	if i < 0 {
		return line, "", false
	}
	return line[:i], line[i+len(separator):], true
}

package memory

import "slices"

const (
	maxItems = 15 // of a node; odd, so that a split leaves two equal halves
	minItems = maxItems / 2
)

// stamp marks who may change a node in place: the transaction that made it.
// It must not be empty, because empty values may share one address.
type stamp struct{ _ byte }

// tree is a B-tree that knows the rank of its items and shares nodes between
// its versions: copying the struct is a snapshot, and a change copies those
// nodes on its way that do not bear the stamp given. The zero tree with cmp
// set is empty.
type tree[T any] struct {
	cmp  func(a, b T) int
	root *node[T]
}

type node[T any] struct {
	owner *stamp
	size  int        // items in this node and below
	items []T        // in room
	kids  []*node[T] // none in a leaf, otherwise one more than items
	room  [maxItems]T
}

func newNode[T any](by *stamp, items []T) *node[T] {
	n := &node[T]{owner: by}
	n.items = append(n.room[:0], items...)
	return n
}

func (t tree[T]) len() int {
	if t.root == nil {
		return 0
	}
	return t.root.size
}

// find is the place of key among the items of a node.
func (t tree[T]) find(n *node[T], key T) (int, bool) {
	return slices.BinarySearchFunc(n.items, key, t.cmp)
}

func (t tree[T]) get(key T) (T, bool) {
	for n := t.root; n != nil; {
		i, ok := t.find(n, key)
		if ok {
			return n.items[i], true
		}
		if n.kids == nil {
			break
		}
		n = n.kids[i]
	}
	var zero T
	return zero, false
}

// rank is the number of items below key.
func (t tree[T]) rank(key T) int {
	r := 0
	for n := t.root; n != nil; {
		i, ok := t.find(n, key)
		r += i
		if n.kids == nil {
			break
		}
		for _, k := range n.kids[:i] {
			r += k.size
		}
		if ok {
			return r + n.kids[i].size
		}
		n = n.kids[i]
	}
	return r
}

// walk yields the items of ranks lo to hi-1 until yield answers false; back
// turns the order around.
func (t tree[T]) walk(lo, hi int, back bool, yield func(T) bool) {
	if t.root == nil || lo >= hi {
		return
	}
	if back {
		t.root.descend(lo, hi, yield)
	} else {
		t.root.ascend(lo, hi, yield)
	}
}

// from yields the items from key on, in order, until yield answers false. It
// looks at no ranks, which are sums over many nodes.
func (t tree[T]) from(key T, yield func(T) bool) {
	if t.root != nil {
		t.below(t.root, key, yield)
	}
}

func (t tree[T]) below(n *node[T], key T, yield func(T) bool) bool {
	i, ok := t.find(n, key)
	if n.kids != nil && !ok && !t.below(n.kids[i], key, yield) {
		return false
	}
	for ; i < len(n.items); i++ {
		if !yield(n.items[i]) {
			return false
		}
		if n.kids != nil && !n.kids[i+1].ascend(0, n.kids[i+1].size, yield) {
			return false
		}
	}
	return true
}

func (n *node[T]) ascend(lo, hi int, yield func(T) bool) bool {
	at := 0 // rank of the next thing in this node
	for i := 0; i <= len(n.items) && at < hi; i++ {
		if n.kids != nil {
			k := n.kids[i]
			if at+k.size > lo && !k.ascend(lo-at, hi-at, yield) {
				return false
			}
			at += k.size
		}
		if i < len(n.items) {
			if at >= lo && at < hi && !yield(n.items[i]) {
				return false
			}
			at++
		}
	}
	return true
}

func (n *node[T]) descend(lo, hi int, yield func(T) bool) bool {
	at := n.size // rank behind the next thing in this node
	for i := len(n.items); i >= 0 && at > lo; i-- {
		if n.kids != nil {
			k := n.kids[i]
			at -= k.size
			if at < hi && !k.descend(lo-at, hi-at, yield) {
				return false
			}
		}
		if i > 0 {
			at--
			if at >= lo && at < hi && !yield(n.items[i-1]) {
				return false
			}
		}
	}
	return true
}

// own answers a node that may be changed under the stamp.
func (n *node[T]) own(by *stamp) *node[T] {
	if n.owner == by {
		return n
	}
	c := newNode(by, n.items)
	c.size = n.size
	if n.kids != nil {
		c.kids = append(make([]*node[T], 0, len(n.kids)+1), n.kids...)
	}
	return c
}

// kid makes child i changeable; n itself must be.
func (n *node[T]) kid(i int, by *stamp) *node[T] {
	n.kids[i] = n.kids[i].own(by)
	return n.kids[i]
}

// set adds an item or replaces the equal one.
func (t *tree[T]) set(item T, by *stamp) {
	if t.root == nil {
		t.root = newNode(by, []T{item})
		t.root.size = 1
		return
	}
	t.root = t.root.own(by)
	if len(t.root.items) == maxItems {
		root := newNode[T](by, nil)
		root.size, root.kids = t.root.size, []*node[T]{t.root}
		t.root = root
		t.root.split(0, by)
	}
	t.insert(t.root, item, by)
}

// insert puts the item below n, which is changeable and not full, and says
// whether the tree has grown.
func (t *tree[T]) insert(n *node[T], item T, by *stamp) bool {
	// Much of what comes last belongs last: times and numbers that grow.
	i, ok := len(n.items), false
	if i == 0 || t.cmp(n.items[i-1], item) >= 0 {
		i, ok = t.find(n, item)
	}
	if ok {
		n.items[i] = item
		return false
	}
	if n.kids == nil {
		n.items = slices.Insert(n.items, i, item)
		n.size++
		return true
	}
	if len(n.kids[i].items) == maxItems {
		n.split(i, by)
		switch c := t.cmp(item, n.items[i]); {
		case c == 0:
			n.items[i] = item
			return false
		case c > 0:
			i++
		}
	}
	grown := t.insert(n.kid(i, by), item, by)
	if grown {
		n.size++
	}
	return grown
}

// split divides the full child i and takes its middle item up.
func (n *node[T]) split(i int, by *stamp) {
	left := n.kid(i, by)
	middle := left.items[minItems]
	right := newNode(by, left.items[minItems+1:])
	clear(left.items[minItems:])
	left.items = left.items[:minItems]
	if left.kids != nil {
		right.kids = append(make([]*node[T], 0, maxItems+1), left.kids[minItems+1:]...)
		clear(left.kids[minItems+1:])
		left.kids = left.kids[:minItems+1]
	}
	left.count()
	right.count()
	n.items = slices.Insert(n.items, i, middle)
	n.kids = slices.Insert(n.kids, i+1, right)
}

func (n *node[T]) count() {
	n.size = len(n.items)
	for _, k := range n.kids {
		n.size += k.size
	}
}

// remove takes out the item equal to key and says whether there was one.
func (t *tree[T]) remove(key T, by *stamp) bool {
	if _, ok := t.get(key); !ok {
		return false
	}
	t.root = t.root.own(by)
	t.take(t.root, key, by)
	switch {
	case len(t.root.items) > 0:
	case t.root.kids != nil:
		t.root = t.root.kids[0]
	default:
		t.root = nil
	}
	return true
}

// take removes key, which is there, from below n. n is changeable and, unless
// it is the root, has more than the least number of items.
func (t *tree[T]) take(n *node[T], key T, by *stamp) {
	n.size--
	i, ok := t.find(n, key)
	switch {
	case n.kids == nil:
		n.items = slices.Delete(n.items, i, i+1)
	case !ok:
		i = n.fill(i, by)
		t.take(n.kid(i, by), key, by)
	case len(n.kids[i].items) > minItems:
		n.items[i] = n.kid(i, by).takeEnd(true, by)
	case len(n.kids[i+1].items) > minItems:
		n.items[i] = n.kid(i+1, by).takeEnd(false, by)
	default:
		n.merge(i, by)
		t.take(n.kid(i, by), key, by)
	}
}

// takeEnd removes the last or first item below n and answers it.
func (n *node[T]) takeEnd(last bool, by *stamp) T {
	n.size--
	if n.kids == nil {
		i := 0
		if last {
			i = len(n.items) - 1
		}
		item := n.items[i]
		n.items = slices.Delete(n.items, i, i+1)
		return item
	}
	i := 0
	if last {
		i = len(n.kids) - 1
	}
	i = n.fill(i, by)
	return n.kid(i, by).takeEnd(last, by)
}

// fill gives child i more than the least number of items, from a neighbour or
// by joining it with one, and answers where it then is.
func (n *node[T]) fill(i int, by *stamp) int {
	if len(n.kids[i].items) > minItems {
		return i
	}
	switch {
	case i > 0 && len(n.kids[i-1].items) > minItems:
		from, to := n.kid(i-1, by), n.kid(i, by)
		last := len(from.items) - 1
		to.items = slices.Insert(to.items, 0, n.items[i-1])
		n.items[i-1] = from.items[last]
		from.items = slices.Delete(from.items, last, last+1)
		if from.kids != nil {
			to.kids = slices.Insert(to.kids, 0, from.kids[last+1])
			from.kids = slices.Delete(from.kids, last+1, last+2)
		}
		from.count()
		to.count()
	case i < len(n.items) && len(n.kids[i+1].items) > minItems:
		from, to := n.kid(i+1, by), n.kid(i, by)
		to.items = append(to.items, n.items[i])
		n.items[i] = from.items[0]
		from.items = slices.Delete(from.items, 0, 1)
		if from.kids != nil {
			to.kids = append(to.kids, from.kids[0])
			from.kids = slices.Delete(from.kids, 0, 1)
		}
		from.count()
		to.count()
	case i < len(n.items):
		n.merge(i, by)
	default:
		n.merge(i-1, by)
		i--
	}
	return i
}

// merge joins child i, item i and child i+1 into child i.
func (n *node[T]) merge(i int, by *stamp) {
	left, right := n.kid(i, by), n.kids[i+1]
	left.items = append(append(left.items, n.items[i]), right.items...)
	left.kids = append(left.kids, right.kids...)
	left.count()
	n.items = slices.Delete(n.items, i, i+1)
	n.kids = slices.Delete(n.kids, i+1, i+2)
}

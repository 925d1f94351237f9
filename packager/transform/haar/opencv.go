package haar

import (
	"io"
	"math"
	"strconv"
	"strings"

	"rules_romfs/packager/report"
)

// Parse reads a cascade in one of OpenCV's formats. What is wrong in the file
// is an [*Error].
func Parse(r io.Reader) (*Cascade, error) {
	root, err := parseXML(r)
	if err != nil {
		return nil, err
	}
	if root.name != "opencv_storage" {
		return nil, root.errorf("<%s> is no file of OpenCV, which begins with <opencv_storage>", root.name)
	}
	for _, e := range root.children {
		switch e.typeID {
		case "opencv-haar-classifier":
			return parseHaarTraining(e)
		case "opencv-cascade-classifier":
			return parseTrainCascade(e)
		}
	}
	// opencv_traincascade of OpenCV 3 and later writes no type_id.
	if e := root.find("cascade"); e != nil {
		return parseTrainCascade(e)
	}
	return nil, root.errorf(`no cascade in the file: no <cascade>, and no element with type_id="opencv-haar-classifier"`)
}

// parseHaarTraining reads the older format: features stand in the trees that
// use them.
func parseHaarTraining(e *element) (*Cascade, error) {
	size, err := e.child("size")
	if err != nil {
		return nil, err
	}
	wh, err := size.numbers(2)
	if err != nil {
		return nil, err
	}
	c := new(Cascade)
	if c.Width, err = size.integer(wh[0], 1, maxCoordinate); err != nil {
		return nil, err
	}
	if c.Height, err = size.integer(wh[1], 1, maxCoordinate); err != nil {
		return nil, err
	}
	return c, c.eachStage(e, "trees", "stage_threshold", func(stage, tree *element) (*Classifier, error) {
		if next := stage.find("next"); next != nil && next.text != "-1" {
			return nil, next.errorf("the stage branches: OpenMV's format has one stage after the other")
		}
		nodes, err := tree.items()
		if err != nil {
			return nil, err
		}
		if len(nodes) > 1 {
			return nil, nodes[1].deepTree()
		}
		node, f := nodes[0], new(Classifier)
		if node.find("left_node") != nil || node.find("right_node") != nil {
			return nil, node.deepTree()
		}
		if f.Threshold, err = node.scaled("threshold", 4096); err != nil {
			return nil, err
		}
		if f.Left, err = node.scaled("left_val", 256); err != nil {
			return nil, err
		}
		if f.Right, err = node.scaled("right_val", 256); err != nil {
			return nil, err
		}
		feature, err := node.child("feature")
		if err != nil {
			return nil, err
		}
		return f, f.setFeature(feature)
	})
}

// parseTrainCascade reads the newer format: features have a list of their own.
func parseTrainCascade(e *element) (*Cascade, error) {
	if t := e.find("stageType"); t != nil && t.text != "BOOST" {
		return nil, t.errorf("stages of type %s: OpenMV's format has BOOST only", t.text)
	}
	if t := e.find("featureType"); t != nil && t.text != "HAAR" {
		return nil, t.errorf("features of type %s: OpenMV's format has HAAR only", t.text)
	}
	c := new(Cascade)
	var err error
	if c.Width, err = e.childInteger("width", 1, maxCoordinate); err != nil {
		return nil, err
	}
	if c.Height, err = e.childInteger("height", 1, maxCoordinate); err != nil {
		return nil, err
	}
	_, features, err := e.sequence("features")
	if err != nil {
		return nil, err
	}
	err = c.eachStage(e, "weakClassifiers", "stageThreshold", func(_, weak *element) (*Classifier, error) {
		return parseWeak(weak, features)
	})
	if err != nil {
		return nil, err
	}
	if n := e.find("stageNum"); n != nil && n.text != strconv.Itoa(len(c.Stages)) {
		return nil, n.errorf("<stageNum> says %s, and <stages> has %d", n.text, len(c.Stages))
	}
	return c, nil
}

// parseWeak reads a classifier of the newer format.
func parseWeak(weak *element, features []*element) (*Classifier, error) {
	nodes, err := weak.child("internalNodes")
	if err != nil {
		return nil, err
	}
	if len(strings.Fields(nodes.text)) > 4 {
		return nil, nodes.deepTree()
	}
	node, err := nodes.numbers(4) // left, right, feature, threshold
	if err != nil {
		return nil, err
	}
	if node[0] != 0 || node[1] != -1 {
		return nil, nodes.errorf("a stump's node begins with 0 -1, not with %v %v", node[0], node[1])
	}
	f := new(Classifier)
	index, err := nodes.integer(node[2], 0, len(features)-1)
	if err != nil {
		return nil, err
	}
	if f.Threshold, err = nodes.scale(node[3], 4096); err != nil {
		return nil, err
	}
	leaves, err := weak.child("leafValues")
	if err != nil {
		return nil, err
	}
	values, err := leaves.numbers(2)
	if err != nil {
		return nil, err
	}
	if f.Left, err = leaves.scale(values[0], 256); err != nil {
		return nil, err
	}
	if f.Right, err = leaves.scale(values[1], 256); err != nil {
		return nil, err
	}
	return f, f.setFeature(features[index])
}

// eachStage reads the stages of a cascade: of each the classifiers, which are
// the items of the list of that name, and the threshold.
func (c *Cascade) eachStage(e *element, list, threshold string, classifier func(stage, item *element) (*Classifier, error)) error {
	_, stages, err := e.sequence("stages")
	if err != nil {
		return err
	}
	for _, stage := range stages {
		var s Stage
		if s.Threshold, err = stage.scaled(threshold, 256); err != nil {
			return err
		}
		of, weak, err := stage.sequence(list)
		if err != nil {
			return err
		}
		if len(weak) > maxClassifiers {
			return of.errorf("the stage has %d classifiers: OpenMV's format holds %d", len(weak), maxClassifiers)
		}
		for _, item := range weak {
			f, err := classifier(stage, item)
			if err != nil {
				return err
			}
			s.Classifiers = append(s.Classifiers, *f)
		}
		c.Stages = append(c.Stages, s)
	}
	return nil
}

// setFeature reads the rectangles of a feature.
func (f *Classifier) setFeature(e *element) error {
	list, rects, err := e.sequence("rects")
	if err != nil {
		return err
	}
	if len(rects) > maxRects {
		return list.errorf("the feature has %d rectangles: OpenMV's format holds %d", len(rects), maxRects)
	}
	for _, item := range rects {
		v, err := item.numbers(5) // x, y, width, height, weight
		if err != nil {
			return err
		}
		var xywh [4]uint8
		for i := range xywh {
			n, err := item.integer(v[i], 0, maxCoordinate)
			if err != nil {
				return err
			}
			xywh[i] = uint8(n)
		}
		weight, err := item.integer(v[4], math.MinInt8, math.MaxInt8)
		if err != nil {
			return err
		}
		f.Rects = append(f.Rects, Rect{int8(weight), xywh[0], xywh[1], xywh[2], xywh[3]})
	}
	t := e.find("tilted")
	f.Tilted = t != nil && t.text != "0"
	return nil
}

func (e *element) deepTree() error {
	return e.errorf("a tree of more than one node: OpenMV's firmware evaluates stumps only, and the nodes of a tree cannot be told as such; train the cascade with -maxDepth 1, or take one that is stump-based, as OpenCV's files say in their first comment")
}

// numbers returns the numbers that an element's text has to be.
func (e *element) numbers(n int) ([]float64, error) {
	fields := strings.Fields(e.text)
	if len(fields) != n {
		return nil, e.errorf("<%s> has %s, not %d", e.name, report.Plural(int64(len(fields)), "number"), n)
	}
	values := make([]float64, n)
	for i, s := range fields {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, e.errorf("%.40q in <%s> is no number", s, e.name)
		}
		values[i] = v
	}
	return values, nil
}

// integer checks that a number of the element is a whole one from low to high.
func (e *element) integer(v float64, low, high int) (int, error) {
	if v != math.Trunc(v) || v < float64(low) || v > float64(high) {
		return 0, e.errorf("%v in <%s> is no whole number from %d to %d", v, e.name, low, high)
	}
	return int(v), nil
}

// scale returns a number of the element as 16 bits of fixed point.
func (e *element) scale(v, scale float64) (int16, error) {
	n := math.Trunc(v * scale)
	if n < math.MinInt16 || n > math.MaxInt16 {
		return 0, e.errorf("%v in <%s> is out of range: OpenMV's format holds %v to %v", v, e.name, math.MinInt16/scale, math.MaxInt16/scale)
	}
	return int16(n), nil
}

// scaled reads the child of that name as one number in fixed point.
func (e *element) scaled(name string, scale float64) (int16, error) {
	c, err := e.child(name)
	if err != nil {
		return 0, err
	}
	v, err := c.numbers(1)
	if err != nil {
		return 0, err
	}
	return c.scale(v[0], scale)
}

// childInteger reads the child of that name as one whole number.
func (e *element) childInteger(name string, low, high int) (int, error) {
	c, err := e.child(name)
	if err != nil {
		return 0, err
	}
	v, err := c.numbers(1)
	if err != nil {
		return 0, err
	}
	return c.integer(v[0], low, high)
}

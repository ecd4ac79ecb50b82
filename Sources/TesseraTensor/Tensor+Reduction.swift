import CTorch

extension Tensor {
  /// The sum of all elements.
  public func sum() throws -> Tensor { try Op.sumAll(.tensor(self)) }

  /// Sums along axes.
  public func sum(_ axes: [Int], keepingAxes: Bool = false) throws -> Tensor {
    try Op.sum(.tensor(self), .ints(axes), .bool(keepingAxes))
  }

  /// The mean of all elements.
  public func mean() throws -> Tensor { try made(ct_mean(handle), "mean", self) }

  /// Means along axes.
  public func mean(_ axes: [Int], keepingAxes: Bool = false) throws -> Tensor {
    try Op.mean(.tensor(self), .ints(axes), .bool(keepingAxes))
  }

  /// Variances along axes; `correction` is subtracted from the count (1: unbiased).
  public func variance(_ axes: [Int], correction: Double = 1, keepingAxes: Bool = false) throws -> Tensor {
    try Op.variance(.tensor(self), .ints(axes), .double(correction), .bool(keepingAxes))
  }

  /// The largest elements along axes; of all axes if none is named.
  public func maximum(along axes: [Int] = [], keepingAxes: Bool = false) throws -> Tensor {
    try Op.amax(.tensor(self), .ints(axes), .bool(keepingAxes))
  }

  /// The smallest elements along axes; of all axes if none is named.
  public func minimum(along axes: [Int] = [], keepingAxes: Bool = false) throws -> Tensor {
    try Op.amin(.tensor(self), .ints(axes), .bool(keepingAxes))
  }

  /// Places of the largest elements along an axis: the first of equal ones, as int64.
  public func argmax(_ axis: Int = -1, keepingAxis: Bool = false) throws -> Tensor {
    try Op.argmax(.tensor(self), .int(axis), .bool(keepingAxis))
  }

  /// Places of the smallest elements along an axis, as int64.
  public func argmin(_ axis: Int = -1, keepingAxis: Bool = false) throws -> Tensor {
    try Op.argmin(.tensor(self), .int(axis), .bool(keepingAxis))
  }

  /// True where an element along an axis is.
  public func any(_ axis: Int, keepingAxis: Bool = false) throws -> Tensor {
    try Op.any(.tensor(self), .int(axis), .bool(keepingAxis))
  }

  /// True where all elements along an axis are.
  public func all(_ axis: Int, keepingAxis: Bool = false) throws -> Tensor {
    try Op.all(.tensor(self), .int(axis), .bool(keepingAxis))
  }

  /// Running sums along an axis.
  public func cumulativeSum(_ axis: Int) throws -> Tensor { try Op.cumsum(.tensor(self), .int(axis)) }

  /// log(sum(exp(x))) along axes.
  public func logSumExp(_ axes: [Int], keepingAxes: Bool = false) throws -> Tensor {
    try Op.logsumexp(.tensor(self), .ints(axes), .bool(keepingAxes))
  }

  /// The `order`-norm along axes.
  public func norm(_ axes: [Int], order: Double = 2, keepingAxes: Bool = false) throws -> Tensor {
    try Op.norm(.tensor(self), .double(order), .ints(axes), .bool(keepingAxes))
  }

  /// Divided by its 2-norm along an axis, which counts as at least `epsilon`.
  public func normalized(_ axis: Int = -1, epsilon: Double = 1e-12) throws -> Tensor {
    try self / norm([axis], keepingAxes: true).clamped(epsilon)
  }

  /// The elements along an axis in order, and the places they came from. Equal elements keep their order.
  public func sorted(_ axis: Int = -1, descending: Bool = false) throws -> (values: Tensor, indices: Tensor) {
    let pair = try Op.sort.all(.tensor(self), .bool(true), .int(axis), .bool(descending))
    return (pair[0], pair[1])
  }

  /// The `count` largest (or smallest) elements along an axis, in order, and their places.
  public func topK(_ count: Int, axis: Int = -1, largest: Bool = true) throws -> (values: Tensor, indices: Tensor) {
    let pair = try Op.topk.all(.tensor(self), .int(count), .int(axis), .bool(largest), .bool(true))
    return (pair[0], pair[1])
  }

  /// The largest difference to another tensor of the same shape, in double precision; NaN counts as infinite.
  public func largestDifference(to other: Tensor) throws -> Double {
    guard shape == other.shape else {
      throw TensorError.invalid("largestDifference", "\(summary) and \(other.summary)")
    }
    if count == 0 { return 0 }
    let difference = try (to(.float64) - other.to(.float64)).abs().maximum().item()
    return difference.isNaN ? .infinity : difference
  }
}

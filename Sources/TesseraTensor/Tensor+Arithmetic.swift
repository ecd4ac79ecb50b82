import CTorch

extension Tensor {
  // MARK: Element by element

  /// e to the power of every element.
  public func exp() throws -> Tensor { try Op.exp(.tensor(self)) }
  /// The natural logarithm of every element.
  public func log() throws -> Tensor { try Op.log(.tensor(self)) }
  /// The logarithm to base 2.
  public func log2() throws -> Tensor { try Op.log2(.tensor(self)) }
  /// log(1 + x).
  public func log1p() throws -> Tensor { try Op.log1p(.tensor(self)) }
  /// exp(x) - 1.
  public func expm1() throws -> Tensor { try Op.expm1(.tensor(self)) }
  /// The square root.
  public func sqrt() throws -> Tensor { try Op.sqrt(.tensor(self)) }
  /// 1 / sqrt(x).
  public func rsqrt() throws -> Tensor { try Op.rsqrt(.tensor(self)) }
  /// The magnitude.
  public func abs() throws -> Tensor { try Op.abs(.tensor(self)) }
  /// -x.
  public func negated() throws -> Tensor { try Op.neg(.tensor(self)) }
  /// The sine.
  public func sin() throws -> Tensor { try Op.sin(.tensor(self)) }
  /// The cosine.
  public func cos() throws -> Tensor { try Op.cos(.tensor(self)) }
  /// The tangent.
  public func tan() throws -> Tensor { try Op.tan(.tensor(self)) }
  /// The hyperbolic tangent.
  public func tanh() throws -> Tensor { try Op.tanh(.tensor(self)) }
  /// 1 / (1 + exp(-x)).
  public func sigmoid() throws -> Tensor { try Op.sigmoid(.tensor(self)) }
  /// max(x, 0).
  public func relu() throws -> Tensor { try Op.relu(.tensor(self)) }
  /// The error function.
  public func erf() throws -> Tensor { try Op.erf(.tensor(self)) }
  /// The largest whole number that is not larger.
  public func floor() throws -> Tensor { try Op.floor(.tensor(self)) }
  /// The smallest whole number that is not smaller.
  public func ceil() throws -> Tensor { try Op.ceil(.tensor(self)) }
  /// The nearest whole number, halves to even.
  public func rounded() throws -> Tensor { try Op.round(.tensor(self)) }
  /// -1, 0 or 1.
  public func sign() throws -> Tensor { try Op.sign(.tensor(self)) }
  /// 1 / x.
  public func reciprocal() throws -> Tensor { try Op.reciprocal(.tensor(self)) }
  /// True where an element is zero or false.
  public func not() throws -> Tensor { try Op.logicalNot(.tensor(self)) }
  /// True where an element is not a number.
  public func isNaN() throws -> Tensor { try Op.isnan(.tensor(self)) }
  /// True where an element is neither infinite nor NaN.
  public func isFinite() throws -> Tensor { try Op.isfinite(.tensor(self)) }
  /// x².
  public func squared() throws -> Tensor { try Op.square(.tensor(self)) }
  /// The inverse hyperbolic tangent.
  public func atanh() throws -> Tensor { try Op.atanh(.tensor(self)) }

  /// x to the power of a number.
  public func pow(_ exponent: Double) throws -> Tensor { try Op.powNumber(.tensor(self), .double(exponent)) }

  /// x to the power of the elements of another tensor.
  public func pow(_ exponent: Tensor) throws -> Tensor { try Op.pow(.tensor(self), .tensor(exponent)) }

  /// The elements, no smaller than `low` and no larger than `high`.
  public func clamped(_ low: Double? = nil, _ high: Double? = nil) throws -> Tensor {
    try Op.clamp(.tensor(self), low.map { .double($0) } ?? .none, high.map { .double($0) } ?? .none)
  }

  /// The smaller of two elements.
  public func minimum(_ other: Tensor) throws -> Tensor { try Op.minimum(.tensor(self), .tensor(other)) }

  /// The larger of two elements.
  public func maximum(_ other: Tensor) throws -> Tensor { try Op.maximum(.tensor(self), .tensor(other)) }

  /// The remainder of the division by a number, with the sign of the number.
  public func remainder(_ divisor: Double) throws -> Tensor { try Op.remainder(.tensor(self), .double(divisor)) }

  /// The quotient by a number, rounded down.
  public func floorDivided(by divisor: Int) throws -> Tensor {
    try Op.floorDivide(.tensor(self), .int(divisor), .string("floor"))
  }

  /// The elements where a condition holds, another tensor's elsewhere.
  public func `where`(_ condition: Tensor, else other: Tensor) throws -> Tensor {
    try Op.where(.tensor(condition), .tensor(self), .tensor(other))
  }

  /// A number where `mask` is true, the elements elsewhere.
  public func filled(_ number: Double, where mask: Tensor) throws -> Tensor {
    try Op.maskedFill(.tensor(self), .tensor(mask), .double(number))
  }

  // MARK: Operators

  /// The sum, element by element, with axes broadcast.
  public static func + (a: Tensor, b: Tensor) throws -> Tensor { try made(ct_add(a.handle, b.handle), "+", a, b) }
  /// The difference, element by element.
  public static func - (a: Tensor, b: Tensor) throws -> Tensor { try made(ct_subtract(a.handle, b.handle), "-", a, b) }
  /// The product, element by element.
  public static func * (a: Tensor, b: Tensor) throws -> Tensor { try made(ct_multiply(a.handle, b.handle), "*", a, b) }
  /// The quotient, element by element; whole numbers become fractions.
  public static func / (a: Tensor, b: Tensor) throws -> Tensor { try made(ct_divide(a.handle, b.handle), "/", a, b) }
  /// The sum, element by element, with axes broadcast.
  public static func + (a: Tensor, b: Double) throws -> Tensor { try made(ct_add_number(a.handle, b), "+ \(b)", a) }
  /// The difference, element by element.
  public static func - (a: Tensor, b: Double) throws -> Tensor { try made(ct_add_number(a.handle, -b), "- \(b)", a) }
  /// The product, element by element.
  public static func * (a: Tensor, b: Double) throws -> Tensor {
    try made(ct_multiply_number(a.handle, b), "* \(b)", a)
  }
  /// The quotient, element by element; whole numbers become fractions.
  public static func / (a: Tensor, b: Double) throws -> Tensor {
    let divisible = a.dataType.isFloatingPoint ? a : try a.to(.float32)
    return try made(ct_multiply_number(divisible.handle, 1 / b), "/ \(b)", a)
  }
  /// The sum, element by element, with axes broadcast.
  public static func + (a: Double, b: Tensor) throws -> Tensor { try b + a }
  /// The product, element by element.
  public static func * (a: Double, b: Tensor) throws -> Tensor { try b * a }
  /// The difference, element by element.
  public static func - (a: Double, b: Tensor) throws -> Tensor {
    try made(ct_multiply_number(b.handle, -1), "-", b) + a
  }
  /// The quotient, element by element; whole numbers become fractions.
  public static func / (a: Double, b: Tensor) throws -> Tensor { try b.reciprocal() * a }
  /// The elements with the other sign.
  public static prefix func - (a: Tensor) throws -> Tensor { try a.negated() }

  /// True where the left element is smaller.
  public static func .< (a: Tensor, b: Tensor) throws -> Tensor { try Op.less(.tensor(a), .tensor(b)) }
  /// True where the left element is not larger.
  public static func .<= (a: Tensor, b: Tensor) throws -> Tensor { try Op.lessEqual(.tensor(a), .tensor(b)) }
  /// True where the left element is larger.
  public static func .> (a: Tensor, b: Tensor) throws -> Tensor { try Op.greater(.tensor(a), .tensor(b)) }
  /// True where the left element is not smaller.
  public static func .>= (a: Tensor, b: Tensor) throws -> Tensor { try Op.greaterEqual(.tensor(a), .tensor(b)) }
  /// True where the elements are equal.
  public static func .== (a: Tensor, b: Tensor) throws -> Tensor { try Op.equal(.tensor(a), .tensor(b)) }
  /// True where the elements differ.
  public static func .!= (a: Tensor, b: Tensor) throws -> Tensor { try Op.notEqual(.tensor(a), .tensor(b)) }
  /// True where the left element is smaller.
  public static func .< (a: Tensor, b: Double) throws -> Tensor { try Op.lessNumber(.tensor(a), .double(b)) }
  /// True where the left element is not larger.
  public static func .<= (a: Tensor, b: Double) throws -> Tensor { try Op.lessEqualNumber(.tensor(a), .double(b)) }
  /// True where the left element is larger.
  public static func .> (a: Tensor, b: Double) throws -> Tensor { try Op.greaterNumber(.tensor(a), .double(b)) }
  /// True where the left element is not smaller.
  public static func .>= (a: Tensor, b: Double) throws -> Tensor { try Op.greaterEqualNumber(.tensor(a), .double(b)) }
  /// True where the elements are equal.
  public static func .== (a: Tensor, b: Double) throws -> Tensor { try Op.equalNumber(.tensor(a), .double(b)) }
  /// True where the elements differ.
  public static func .!= (a: Tensor, b: Double) throws -> Tensor { try Op.notEqualNumber(.tensor(a), .double(b)) }

  /// True where both are.
  public static func .& (a: Tensor, b: Tensor) throws -> Tensor { try Op.and(.tensor(a), .tensor(b)) }

  /// True where one of both is.
  public static func .| (a: Tensor, b: Tensor) throws -> Tensor { try Op.or(.tensor(a), .tensor(b)) }
}

import TesseraTensor

/// Approximates vectors by few atoms of a dictionary each.
///
/// Source: *Matching Pursuits with Time-Frequency Dictionaries* made orthogonal (Pati, Rezaiifar, Krishnaprasad 1993). Each round takes the
/// atom with the largest inner product with what is left (not normalised; the first of equal ones) and projects anew.
///
///     let pursuit = try OrthogonalMatchingPursuit(dictionary: anchors, targets: rows, atoms: 64)
///     let moved = try pursuit.combined(otherAnchors)
///
/// - Complexity: O(targets · atoms · (dictionary + atoms) · width).
public struct OrthogonalMatchingPursuit {
  /// The chosen atoms, int64 `[targets, atoms]`, in the order of choice.
  public let indices: Tensor
  /// What they are multiplied by, `[targets, atoms]`.
  public let coefficients: Tensor
  /// What is left, `[targets, width]`.
  public let residual: Tensor

  /// - Parameters:
  ///   - dictionary: `[dictionary, width]`
  ///   - targets: `[targets, width]`
  ///   - atoms: 1...dictionary
  public init(dictionary: Tensor, targets: Tensor, atoms: Int) throws {
    guard dictionary.rank == 2, targets.rank == 2, dictionary.size(1) == targets.size(1), dictionary.size(1) > 0 else {
      throw TensorError.invalid(
        "OrthogonalMatchingPursuit", "a dictionary \(dictionary.summary) for targets \(targets.summary)")
    }
    guard (1...max(dictionary.size(0), 1)).contains(atoms), dictionary.size(0) > 0 else {
      throw TensorError.invalid("OrthogonalMatchingPursuit", "\(atoms) atoms of a dictionary of \(dictionary.size(0))")
    }
    let type: DataType = targets.dataType == .float64 || dictionary.dataType == .float64 ? .float64 : .float32
    (indices, coefficients, residual) = try noGrad {
      try Self.pursue(dictionary.detached().to(type), targets.detached().to(type), atoms)
    }
  }

  private static func pursue(_ table: Tensor, _ targets: Tensor, _ atoms: Int) throws -> (Tensor, Tensor, Tensor) {
    let (rows, size) = (targets.size(0), table.size(0))
    let columns = try Tensor.range(0..<size, device: table.device).unsqueezed(0)
    var taken = try Tensor.zeros([rows, size], .bool, device: table.device)
    var basis = try Tensor.zeros([rows, 0, table.size(1)], table.dataType, device: table.device)
    var triangle = try Tensor.zeros([rows, 0, 0], table.dataType, device: table.device)
    var residual = targets
    var chosen: [Tensor] = []
    for round in 0..<atoms {
      let pick = try residual.matmul(table.transposed()).abs().filled(-1, where: taken).argmax()
      chosen.append(pick)
      taken = try taken .| (columns .== pick.unsqueezed(1))
      let atom = try table.embedding(pick).unsqueezed(-1)  // [rows, width, 1]
      // Twice, since once leaves rounding errors as large as the remainder (Giraud et al. 2005).
      var shares = try basis.matmul(atom)
      var rest = try atom - basis.transposed().matmul(shares)
      let again = try basis.matmul(rest)
      (shares, rest) = (try shares + again, try rest - basis.transposed().matmul(again))
      let length = try rest.norm([1], keepingAxes: true)
      // An atom inside of the span of those before adds no direction: its coefficient is zero.
      let independent = try length .> (atom.norm([1], keepingAxes: true) * 1e-6)
      let direction = try (rest / length).where(independent, else: rest * 0)
      let diagonal = try length.where(independent, else: length * 0 + 1)
      triangle = try .concatenated(
        [
          .concatenated([triangle, shares.where(independent, else: shares * 0)], axis: 2),
          .concatenated([.zeros([rows, 1, round], table.dataType, device: table.device), diagonal], axis: 2),
        ], axis: 1)
      basis = try .concatenated([basis, direction.transposed()], axis: 1)
      residual = try targets - basis.transposed().matmul(basis.matmul(targets.unsqueezed(-1))).squeezed(-1)
    }
    let solve = Operator("aten::linalg_solve_triangular")
    let weights = try solve(.tensor(triangle), .tensor(basis.matmul(targets.unsqueezed(-1))), .bool(true)).squeezed(-1)
    return (try .stacked(chosen, axis: 1), weights, residual)
  }

  /// The same combinations of other vectors, one for each atom: `[dictionary, any width]` to `[targets, any width]`.
  public func combined(_ vectors: Tensor) throws -> Tensor {
    try (vectors.embedding(indices) * coefficients.to(vectors.dataType).unsqueezed(-1)).sum([1])
  }
}

/// The cheapest way to give every row a column of its own: the matching of detectors' queries with the things in a picture.
///
///     linearAssignment([[4, 1, 3], [2, 0, 5]])        // [1, 0]: costs 1 + 2
///
/// Shortest augmenting paths with potentials (Kuhn 1955; Jonker, Volgenant 1987, "A shortest augmenting path algorithm for dense and
/// sparse linear assignment problems").
///
/// - Parameter costs: rows of equal length, at least as long as there are rows; any finite numbers
/// - Returns: the column of each row; of equally cheap matchings always the same one
/// - Complexity: O(rows² · columns)
public func linearAssignment(_ costs: [[Double]]) -> [Int] {
  let (rows, columns) = (costs.count, costs.first?.count ?? 0)
  precondition(columns >= rows && costs.allSatisfy { $0.count == columns }, "each row needs a column of its own")
  // Row and column 0 are a start that does not exist; `owner[c]` is the row of column c, 0 for none.
  var (rowPotential, columnPotential) = (
    [Double](repeating: 0, count: rows + 1), [Double](repeating: 0, count: columns + 1)
  )
  var owner = [Int](repeating: 0, count: columns + 1)
  for row in stride(from: 1, through: rows, by: 1) {
    owner[0] = row
    var (column, previous) = (0, [Int](repeating: 0, count: columns + 1))
    var shortest = [Double](repeating: .infinity, count: columns + 1)
    var isDone = [Bool](repeating: false, count: columns + 1)
    // The shortest path from the new row to a column that nobody has.
    repeat {
      isDone[column] = true
      let from = owner[column]
      var (step, next) = (Double.infinity, 0)
      for candidate in 1...columns where !isDone[candidate] {
        let reduced = costs[from - 1][candidate - 1] - rowPotential[from] - columnPotential[candidate]
        if reduced < shortest[candidate] { (shortest[candidate], previous[candidate]) = (reduced, column) }
        // Without this, a cost that is no number would leave no way on.
        if next == 0 || shortest[candidate] < step { (step, next) = (shortest[candidate], candidate) }
      }
      for candidate in 0...columns {
        if isDone[candidate] {
          rowPotential[owner[candidate]] += step
          columnPotential[candidate] -= step
        } else {
          shortest[candidate] -= step
        }
      }
      column = next
    } while owner[column] != 0
    // Along the path everybody moves to the next column.
    while column != 0 {
      let before = previous[column]
      owner[column] = owner[before]
      column = before
    }
  }
  var assigned = [Int](repeating: 0, count: rows)
  for column in stride(from: 1, through: columns, by: 1) where owner[column] > 0 {
    assigned[owner[column] - 1] = column - 1
  }
  return assigned
}

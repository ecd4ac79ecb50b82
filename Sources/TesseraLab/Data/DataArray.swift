import Foundation
import TesseraTensor

/// An element of a `DataArray`: a fixed-width number that NumPy's files know.
public protocol DataElement: TensorElement, BitwiseCopyable {
  /// The type in the header of a NumPy file, little-endian.
  static var numPyType: String { get }
}

extension UInt8: DataElement {
  /// One byte.
  public static var numPyType: String { "|u1" }
}
extension Int64: DataElement {
  /// Eight bytes.
  public static var numPyType: String { "<i8" }
}
extension Float: DataElement {
  /// Four bytes.
  public static var numPyType: String { "<f4" }
}

/// Numbers with a shape, in row-major order, as data sets store them: a NumPy file each.
public struct DataArray<Element: DataElement>: Sendable where Element: Sendable {
  /// The lengths of the axes.
  public let shape: [Int]
  /// The elements in row-major order.
  public let elements: [Element]

  /// - Throws: `LabError.malformed` if the elements do not fill the shape.
  public init(_ elements: [Element], _ shape: [Int]) throws {
    guard shape.allSatisfy({ $0 >= 0 }), Self.count(shape) == elements.count else {
      throw LabError.malformed("array", "\(elements.count) elements do not fill the shape \(shape)")
    }
    (self.elements, self.shape) = (elements, shape)
  }

  /// The number of rows: the length of the first axis.
  public var rows: Int { shape.first ?? 1 }

  /// The elements of one row.
  public subscript(row row: Int) -> ArraySlice<Element> {
    let width = elements.count / max(rows, 1)
    return elements[row * width..<(row + 1) * width]
  }

  /// Some rows as a tensor `[indices, ...]`, of the array's own type.
  public func tensor(rows indices: [Int]) throws -> Tensor {
    var picked: [Element] = []
    picked.reserveCapacity(indices.count * (elements.count / max(rows, 1)))
    for index in indices { picked += self[row: index] }
    return try Tensor(picked, [indices.count] + shape.dropFirst())
  }

  /// All of it as a tensor.
  public func tensor() throws -> Tensor { try Tensor(elements, shape) }

  static func count(_ shape: [Int]) -> Int? {
    var count = 1
    for length in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      if overflow { return nil }
      count = product
    }
    return count
  }

  /// The bytes of a NumPy file, version 1.0.
  public var numPy: Data {
    let lengths = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(Element.numPyType)', 'fortran_order': False, 'shape': (\(lengths)), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
    data.append(contentsOf: [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)])
    data.append(contentsOf: header.utf8)
    elements.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
  }

  /// Reads a NumPy file of this element type.
  /// - Throws: `LabError.malformed` naming the file and what is wrong.
  public init(numPy data: Data, _ path: String) throws {
    func refuse(_ reason: String) -> LabError { .malformed(path, reason) }
    let bytes = [UInt8](data.prefix(10))
    guard bytes.count == 10, bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes[6] == 1 else {
      throw refuse("it is no NumPy file of version 1")
    }
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    guard data.count >= start else { throw refuse("the header is cut off") }
    let header = String(decoding: data[(data.startIndex + 10)..<(data.startIndex + start)], as: UTF8.self)
    guard header.contains("'descr': '\(Element.numPyType)'"), header.contains("'fortran_order': False") else {
      throw refuse("its elements are not \(Element.numPyType) in row-major order")
    }
    guard let open = header.lastIndex(of: "("), let close = header[open...].firstIndex(of: ")") else {
      throw refuse("the header has no shape")
    }
    let shape = header[header.index(after: open)..<close].split(separator: ",").map {
      Int($0.trimmingCharacters(in: .whitespaces)) ?? -1
    }
    let stride = MemoryLayout<Element>.stride
    guard shape.allSatisfy({ $0 >= 0 }), let count = Self.count(shape), count <= (data.count - start) / stride,
      data.count - start == count * stride
    else { throw refuse("\(data.count - start) bytes do not fill the shape \(shape)") }
    elements = [Element](unsafeUninitializedCapacity: count) { buffer, filled in
      data[(data.startIndex + start)...].withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      filled = count
    }
    self.shape = shape
  }
}

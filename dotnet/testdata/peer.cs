// The .NET side of the tests: does what each line of its standard input says,
// with a BinaryReader or BinaryWriter on a file, and answers with one line.
using System;
using System.IO;

static class Peer
{
    static void Main()
    {
        var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var input = new StreamReader(Console.OpenStandardInput());
        for (string line; (line = input.ReadLine()) != null;)
        {
            try
            {
                output.WriteLine(Do(line.Split(' ')));
            }
            catch (Exception e)
            {
                output.WriteLine(e.GetType().Name + ": " + e.Message);
            }
        }
    }

    static string Do(string[] words)
    {
        switch (words[0])
        {
            case "write":
                using (var stream = new FileStream(words[1], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
                {
                    var writer = new BinaryWriter(stream);
                    writer.Write(true);
                    writer.Write((sbyte)-1);
                    writer.Write((byte)2);
                    writer.Write((short)-3);
                    writer.Write((ushort)4);
                    writer.Write(-5);
                    writer.Write(6u);
                    writer.Write(-7L);
                    writer.Write(8ul);
                    writer.Write(1.5f);
                    writer.Write(Math.PI);
                    writer.Write("");
                    writer.Write("text");
                    writer.Write(new string('\u00e9', 200));
                    writer.Flush();
                }
                return "written";
            case "read":
                using (var stream = new FileStream(words[1], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
                {
                    var reader = new BinaryReader(stream);
                    return string.Join(" ", reader.ReadBoolean(), reader.ReadSByte(), reader.ReadByte(), reader.ReadInt16(),
                        reader.ReadUInt16(), reader.ReadInt32(), reader.ReadUInt32(), reader.ReadInt64(), reader.ReadUInt64(),
                        reader.ReadSingle() == 1.5f, reader.ReadDouble() == Math.PI,
                        reader.ReadString().Length, reader.ReadString(), reader.ReadString().Length);
                }
        }
        return "what is " + words[0] + "?";
    }
}

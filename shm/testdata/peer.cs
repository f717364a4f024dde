// The .NET side of the tests: does what each line of its standard input says,
// with a MemoryMappedFile on the segment's file, and answers with one line.
using System;
using System.IO;
using System.IO.MemoryMappedFiles;

static class Peer
{
    static MemoryMappedFile file;
    static MemoryMappedViewAccessor view;

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
            case "create":
                file = MemoryMappedFile.CreateFromFile("/dev/shm/" + words[1], FileMode.CreateNew, null, long.Parse(words[2]));
                view = file.CreateViewAccessor();
                return "created";
            case "open":
                file = MemoryMappedFile.CreateFromFile("/dev/shm/" + words[1], FileMode.Open);
                view = file.CreateViewAccessor();
                return "opened";
            case "put":
                view.Write(long.Parse(words[1]), long.Parse(words[2]));
                view.Flush();
                return "put";
            case "get":
                return view.ReadInt64(long.Parse(words[1])).ToString();
            case "stream":
                using (var stream = file.CreateViewStream(long.Parse(words[1]), 0))
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
            case "destream":
                using (var stream = file.CreateViewStream(long.Parse(words[1]), 0))
                {
                    var reader = new BinaryReader(stream);
                    return string.Join(" ", reader.ReadBoolean(), reader.ReadSByte(), reader.ReadByte(), reader.ReadInt16(),
                        reader.ReadUInt16(), reader.ReadInt32(), reader.ReadUInt32(), reader.ReadInt64(), reader.ReadUInt64(),
                        reader.ReadSingle() == 1.5f, reader.ReadDouble() == Math.PI,
                        reader.ReadString().Length, reader.ReadString(), reader.ReadString().Length);
                }
            case "close":
                view.Dispose();
                file.Dispose();
                return "closed";
        }
        return "what is " + words[0] + "?";
    }
}

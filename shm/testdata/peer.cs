// The .NET side of the tests: does what each line of its standard input says,
// with a MemoryMappedFile, and answers with one line.
using System;
using System.IO;
using System.IO.MemoryMappedFiles;
using System.Text;

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

    static readonly bool onWindows = Environment.OSVersion.Platform == PlatformID.Win32NT;

    static MemoryMappedFile Create(string name, long size)
    {
        if (!onWindows)
            return MemoryMappedFile.CreateFromFile("/dev/shm/" + name, FileMode.CreateNew, null, size);
        var created = MemoryMappedFile.CreateNew(name, size);
        Own.Set(created.SafeMemoryMappedFileHandle);
        return created;
    }

    static string Do(string[] words)
    {
        switch (words[0])
        {
            case "create":
                file = Create(words[1], long.Parse(words[2]));
                view = file.CreateViewAccessor();
                return "created";
            case "open":
                file = onWindows ? MemoryMappedFile.OpenExisting(words[1]) : MemoryMappedFile.CreateFromFile("/dev/shm/" + words[1], FileMode.Open);
                view = file.CreateViewAccessor();
                return "opened";
            case "map":
                var stream = new FileStream(words[1], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, false);
                view = file.CreateViewAccessor();
                return "mapped";
            case "fill":
                var data = new byte[int.Parse(words[2])];
                for (var i = 0; i < data.Length; i++)
                    data[i] = (byte)(i % 251);
                view.WriteArray(long.Parse(words[1]), data, 0, data.Length);
                return "filled";
            case "puttext":
                var text = Encoding.UTF8.GetBytes(words[2]);
                view.WriteArray(long.Parse(words[1]), text, 0, text.Length);
                return "put";
            case "gettext":
                var bytes = new byte[int.Parse(words[2])];
                view.ReadArray(long.Parse(words[1]), bytes, 0, bytes.Length);
                return Encoding.UTF8.GetString(bytes);
            case "put":
                view.Write(long.Parse(words[1]), long.Parse(words[2]));
                view.Flush();
                return "put";
            case "get":
                return view.ReadInt64(long.Parse(words[1])).ToString();
            case "close":
                view.Dispose();
                file.Dispose();
                return "closed";
        }
        return "what is " + words[0] + "?";
    }
}
